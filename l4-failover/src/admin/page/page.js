// Shows what /status and /tap of this address say. Whatever comes from there is text, never markup.
"use strict";
(() => {
  // Between two looks at /status.
  const LOOK_MS = 1000;
  // A process that is only busy has answered by then; one that is stopped, or out of reach, never does.
  const ANSWER_MAX_MS = 5000;
  // Between two looks at a process that takes its time: longer, and what is shown is too old.
  const PAUSE_MAX_MS = 5000;
  // Looks that a spark line remembers.
  const HISTORY = 60;
  // Services that are drawn; of more the number is said.
  const CARDS_MAX = 200, ROWS_MAX = 12, SITES_MAX = 8;
  // Events that the tap remembers, and shows.
  const EVENTS_MAX = 2000, SHOWN_MAX = 200;
  // Characters of a name in the tap: all of any host name, though not of all that clients send.
  const NAME_MAX = 255;
  // How long the notice of a restart stays.
  const RESTART_MS = 15000;

  const $ = (id) => document.getElementById(id);
  const make = (tag, kind, text) => {
    const node = document.createElement(tag);
    if (kind) node.className = kind;
    if (text !== undefined && text !== null) node.textContent = text;
    return node;
  };
  const draw = (parent, tag, attributes, text) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    if (text !== undefined) node.textContent = text;
    parent.append(node);
    return node;
  };

  // Words for people.
  const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  const bytes = (count) => {
    let unit = 0;
    while (count >= 1024 && unit < UNITS.length - 1) { count /= 1024; unit += 1; }
    return (unit === 0 || count >= 100 ? Math.round(count) : count.toFixed(1)) + " " + UNITS[unit];
  };
  const rate = (count) => (count === null ? "–" : count >= 100 ? String(Math.round(count)) : count.toFixed(1));
  const span = (seconds) => {
    const parts = [["d", 86400], ["h", 3600], ["m", 60], ["s", 1]];
    const words = [];
    let left = Math.floor(seconds);
    for (const [word, size] of parts) {
      const count = Math.floor(left / size);
      left -= count * size;
      if (count > 0) words.push(count + word);
    }
    return words.slice(0, 2).join(" ") || "0s";
  };
  const whole = (text) => text.replaceAll(" ", "\u00a0");
  const brief = (ms) => (ms === undefined ? "" : ms < 1000 ? rate(ms) + " ms" : ms < 60000 ? (ms / 1000).toFixed(1) + " s" : span(ms / 1000));
  const cut = (text, most) => (text.length > most ? text.slice(0, Math.max(most - 1, 1)) + "…" : text);
  const timeOfDay = (time) => (time || "").slice(11, 23);
  const rank = (tier) => (tier === 0 ? "primary" : "backup " + tier);

  // What the server says.
  const KEY = "mesh-token";
  let token = sessionStorage.getItem(KEY) || "";
  class Unauthorized extends Error {}
  const ask = async (path, signal) => {
    const headers = token ? { Authorization: "Bearer " + token } : {};
    const answer = await fetch(path, { headers, signal, cache: "no-store", redirect: "error" });
    if (answer.status === 401) throw new Unauthorized();
    return answer;
  };

  const inTime = (path) => ask(path, AbortSignal.timeout(ANSWER_MAX_MS));

  let info = {};
  let last = null;
  let histories = new Map();
  let restartedAt = 0;

  const poolsOf = (status) =>
    [...(status.services || []), ...(status.adoptions || []), ...(status.datacenters || []), ...(status.pools || [])];
  const endpointsOf = (pool) => pool.tiers.flatMap((tier) => tier.endpoints);
  const keyOf = (pool) => pool.kind + " " + pool.name;
  const sum = (list, of) => list.reduce((total, it) => total + of(it), 0);
  const connectsOf = (pool) => sum(endpointsOf(pool), (it) => it.connects);

  const look = async () => {
    const answer = await inTime("/status");
    if (!answer.ok) throw new Error("the answer is " + answer.status);
    const status = await answer.json();
    const now = performance.now();
    const passed = last ? (now - last.at) / 1000 : 0;
    const again = last !== null && status.uptime_seconds < last.status.uptime_seconds + passed / 2;
    if (again) { restartedAt = now; histories = new Map(); }
    const before = last && !again ? last : null;
    const earlier = new Map(before ? poolsOf(before.status).map((it) => [keyOf(it), it]) : []);
    const differ = (a, b) => (before && passed > 0 ? Math.max(a - b, 0) / passed : null);
    const rates = new Map();
    for (const pool of poolsOf(status)) {
      const old = earlier.get(keyOf(pool));
      if (!old) continue;
      const own = {
        connects: differ(connectsOf(pool), connectsOf(old)),
        up: differ(pool.from_client_bytes, old.from_client_bytes),
        down: differ(pool.from_upstream_bytes, old.from_upstream_bytes),
      };
      rates.set(keyOf(pool), own);
      const history = histories.get(keyOf(pool)) || [];
      history.push(own.up + own.down);
      histories.set(keyOf(pool), history.slice(-HISTORY));
    }
    const accepted = before ? differ(status.connections_accepted, before.status.connections_accepted) : null;
    last = { status, at: now, rates, accepted };
  };

  // The head.
  const figure = (name, value) => {
    const pair = make("div");
    pair.append(make("dt", "", name), make("dd", "", value));
    return pair;
  };
  const sayState = (words) => {
    const version = info.version ? " " + info.version : "";
    $("state").textContent = (info.program || "mesh") + version + " · " + words;
  };
  const drawHead = ({ status, rates, accepted }) => {
    const program = info.program || "mesh";
    $("title").textContent = status.datacenter ? status.datacenter : program;
    document.title = (status.datacenter ? status.datacenter + " · " : "") + program;
    const reloads = status.generation ? ", " + status.generation + (status.generation === 1 ? " reload" : " reloads") : "";
    sayState(status.state + " for " + span(status.uptime_seconds) + reloads);
    const unhealthy = poolsOf(status).filter((it) => !it.healthy).length;
    $("dot").className = "dot " + (status.state !== "live" ? "maintenance" : unhealthy ? "down" : "up");
    const known = [...rates.values()];
    const total = (of) => (known.length ? bytes(sum(known, of)) + "/s" : "–");
    $("figures").replaceChildren(
      figure("of " + status.connections_max + " connections", String(status.connections)),
      figure("accepted a second", rate(accepted)),
      figure("from clients", total((it) => it.up)),
      figure("to clients", total((it) => it.down)),
    );
  };

  // The picture.
  const led = (parent, x, y, state, spare, title) => {
    const node = draw(parent, "circle", { cx: x, cy: y, r: 4.5, class: "led " + state + (spare ? " spare" : "") });
    draw(node, "title", {}, title);
  };
  const ROW = 26, HEAD = 44, PAD = 12;
  const rowsOf = (status) => {
    const rows = [...(status.services || []), ...(status.adoptions || []), ...(status.pools || [])];
    return rows.map((pool) => ({
      name: pool.name,
      kind: pool.kind,
      count: pool.connections,
      leds: pool.tiers.flatMap((tier) => tier.endpoints.map((it) => ({
        state: it.state,
        spare: tier.tier !== pool.active_tier,
        title: it.endpoint + ": " + it.state + ", " + rank(tier.tier),
      }))),
    }));
  };
  const sitesOf = (status) => {
    const all = poolsOf(status);
    const through = (name) => sum(all, (pool) =>
      sum(endpointsOf(pool).filter((it) => it.endpoint === name), (it) => it.connections));
    const rowOf = (it, spare) => ({
      name: it.endpoint,
      count: through(it.endpoint),
      leds: [{ state: it.state, spare, title: it.endpoint + ": " + it.state }],
    });
    if (status.pools) {
      const seen = new Map();
      for (const pool of status.pools)
        for (const tier of pool.tiers)
          for (const it of tier.endpoints)
            if (!seen.has(it.endpoint)) seen.set(it.endpoint, rowOf(it, false));
      return seen.size ? [{ name: "endpoints", about: "where ports lead", rows: [...seen.values()] }] : [];
    }
    return (status.datacenters || []).map((pool) => ({
      name: pool.name,
      about: "gateways" + (pool.healthy ? "" : ": none is healthy"),
      rows: pool.tiers.flatMap((tier) => tier.endpoints.map((it) => rowOf(it, tier.tier !== pool.active_tier))),
    }));
  };
  const heightOf = (rows) => HEAD + Math.min(rows.length, ROWS_MAX + 1) * ROW + (rows.length ? PAD : 0);
  const box = (svg, x, y, width, { name, about, rows, here }) => {
    const height = heightOf(rows);
    draw(svg, "rect", { x, y, width, height, rx: 10, class: here ? "box here" : "box" });
    draw(svg, "text", { x: x + 14, y: y + 20, class: "name" }, cut(name, Math.floor((width - 28) / 8.2)));
    draw(svg, "text", { x: x + 14, y: y + 36, class: "dim" }, cut(about, Math.floor((width - 28) / 6)));
    rows.slice(0, ROWS_MAX).forEach((row, nth) => {
      const top = y + HEAD + nth * ROW, middle = top + ROW / 2 - 1;
      draw(svg, "rect", { x: x + 10, y: top, width: width - 20, height: ROW - 4, rx: 6, class: "row" });
      const lit = row.leds.slice(0, 8);
      const room = width - 20 - 14 - 56 - lit.length * 14;
      const text = draw(svg, "text", { x: x + 20, y: middle + 4 }, cut(row.name, Math.max(Math.floor(room / 7), 4)));
      draw(text, "title", {}, row.name + (row.kind ? ", " + row.kind : ""));
      lit.forEach((it, at) =>
        led(svg, x + width - 64 - (lit.length - 1 - at) * 14, middle, it.state, it.spare, it.title));
      draw(svg, "text", { x: x + width - 20, y: middle + 4, class: row.count ? "num" : "num dim" }, String(row.count));
    });
    if (rows.length > ROWS_MAX)
      draw(svg, "text", { x: x + 20, y: y + HEAD + ROWS_MAX * ROW + 15, class: "dim" }, "and " + (rows.length - ROWS_MAX) + " more");
    return height;
  };
  // The picture is drawn anew with each look; what moves goes on where it was.
  const FLOW_MS = 1100;
  const inPhase = (path) => { path.style.animationDelay = -(performance.now() % FLOW_MS) + "ms"; };
  const arrow = (svg, from, to, count, label, upright) => {
    const thick = Math.min(1.5 + Math.log2(count + 1), 9);
    const idle = count === 0 ? " idle" : "";
    const [dx, dy] = [(to[0] - from[0]) / 2, (to[1] - from[1]) / 2];
    const end = upright ? [to[0], to[1] - 9] : [to[0] - 9, to[1]];
    const bend = upright
      ? [from[0], from[1] + dy, to[0], to[1] - dy]
      : [from[0] + dx, from[1], to[0] - dx, to[1]];
    inPhase(draw(svg, "path", {
      d: `M${from} C${bend.slice(0, 2)} ${bend.slice(2)} ${end}`,
      class: "arrow" + (idle || " moving"), "stroke-width": thick,
    }));
    const half = 4 + thick / 2;
    const tip = upright
      ? [[to[0] - half, end[1]], [to[0] + half, end[1]], to]
      : [[end[0], to[1] - half], [end[0], to[1] + half], to];
    draw(svg, "polygon", { points: tip.join(" "), class: "tip" + idle });
    const [x, y] = [from[0] + dx, from[1] + dy];
    const wide = label.length * 6.6 + 12;
    draw(svg, "rect", { x: x - wide / 2, y: y - 10, width: wide, height: 20, rx: 10, class: "plate" });
    draw(svg, "text", { x, y: y + 4, class: count ? "mid" : "mid dim" }, label);
  };
  // Down, and then to the right: past whatever is above.
  const RAIL = 52;
  const rail = (svg, from, to, count) => {
    const idle = count === 0 ? " idle" : "";
    const thick = Math.min(1.5 + Math.log2(count + 1), 7), half = 4 + thick / 2;
    inPhase(draw(svg, "path", {
      d: `M${from} V${to[1] - 10} Q${from[0]} ${to[1]} ${from[0] + 10} ${to[1]} H${to[0] - 9}`,
      class: "arrow" + (idle || " moving"), "stroke-width": thick,
    }));
    draw(svg, "polygon", {
      points: [[to[0] - 9, to[1] - half], [to[0] - 9, to[1] + half], to].join(" "), class: "tip" + idle,
    });
  };
  const railLabel = (svg, x, y, count) => {
    const label = String(count), wide = label.length * 6.6 + 12;
    draw(svg, "rect", { x: x - wide / 2, y: y - 9, width: wide, height: 18, rx: 9, class: "plate" });
    draw(svg, "text", { x, y: y + 4, class: count ? "mid" : "mid dim" }, label);
  };
  const drawMap = ({ status }) => {
    const width = Math.max($("map").clientWidth - 12, 280);
    const sites = sitesOf(status).slice(0, SITES_MAX);
    const here = {
      name: status.datacenter || info.program || "here",
      about: status.pools ? "this process" : "this gateway, and what it serves",
      rows: rowsOf(status), here: true,
    };
    const who = { name: status.pools ? "applications" : "clients", about: "connected here", rows: [] };
    const carried = (site) => sum(site.rows, (row) => row.count);
    const wide = width >= 900;
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("role", "img");
    const GAP = 14;
    let height;
    if (wide) {
      const left = 150, gap = Math.max(Math.min(width * 0.1, 130), 84);
      const right = sites.length ? Math.min(Math.max(width * 0.28, 220), 380) : 0;
      const middle = Math.min(width - 2 * PAD - left - gap - (right ? right + gap : 0), 620);
      const used = left + gap + middle + (right ? gap + right : 0);
      const x0 = Math.max((width - used) / 2, PAD), x1 = x0 + left + gap, x2 = x1 + middle + gap;
      const tall = sum(sites, (site) => heightOf(site.rows)) + GAP * Math.max(sites.length - 1, 0);
      height = Math.max(heightOf(here.rows), tall, 90) + 2 * PAD;
      const centred = (own) => (height - own) / 2;
      const hereTop = centred(heightOf(here.rows));
      box(svg, x1, hereTop, middle, here);
      box(svg, x0, centred(HEAD + 4), left, who);
      arrow(svg, [x0 + left + 4, height / 2], [x1 - 4, height / 2], status.connections, String(status.connections), false);
      let y = centred(tall);
      for (const site of sites) {
        const own = box(svg, x2, y, right, site);
        const count = carried(site);
        arrow(svg, [x1 + middle + 4, Math.min(Math.max(y + own / 2, hereTop + 20), hereTop + heightOf(here.rows) - 20)],
          [x2 - 4, y + own / 2], count, String(count), false);
        y += own + GAP;
      }
    } else {
      const x = PAD, inner = width - 2 * PAD, DOWN = 46;
      let y = PAD;
      y += box(svg, x, y, inner, who);
      arrow(svg, [width / 2, y + 3], [width / 2, y + DOWN - 3], status.connections, String(status.connections), true);
      y += DOWN;
      y += box(svg, x, y, inner, here);
      const from = y, at = x + RAIL / 2;
      const middles = sites.map((site) => {
        y += GAP;
        const own = box(svg, x + RAIL, y, inner - RAIL, site);
        y += own;
        return { site, middle: y - own / 2 };
      });
      // The farthest first: those that are nearer lie above it.
      for (const { site, middle } of [...middles].reverse()) rail(svg, [at, from + 3], [x + RAIL - 3, middle], carried(site));
      for (const { site, middle } of middles) railLabel(svg, at, middle - 26, carried(site));
      height = y + PAD;
    }
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.setAttribute("height", String(height));
    svg.setAttribute("aria-label", here.name + " with " + here.rows.length + " services, and " + sites.length + " other places");
    $("map").replaceChildren(svg);
  };

  // Services.
  const spark = (history) => {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("class", "spark");
    svg.setAttribute("viewBox", "0 0 96 24");
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("aria-hidden", "true");
    const most = Math.max(...history, 1);
    const step = 96 / (HISTORY - 1), from = 96 - (history.length - 1) * step;
    const points = history.map((it, nth) => (from + nth * step).toFixed(1) + "," + (22.5 - (it / most) * 21).toFixed(1));
    if (points.length > 1) {
      const [first, end] = [from.toFixed(1), "96"];
      draw(svg, "path", { class: "area", d: "M" + points.join("L") + "L" + end + ",24L" + first + ",24Z" });
      draw(svg, "path", { d: "M" + points.join("L"), "vector-effect": "non-scaling-stroke" });
    }
    return svg;
  };
  const whyOf = (pool) => {
    const active = pool.tiers[pool.active_tier];
    const names = active ? active.endpoints.map((it) => it.endpoint).join(", ") : "";
    const move = pool.last_move;
    const cause = move ? " · " + [move.event, move.cause, move.reason].filter(Boolean).join(": ") : "";
    return rank(pool.active_tier) + " " + names + ", for " + span(pool.active_seconds) + cause;
  };
  const noteOf = (it) => {
    const check = it.last_check && it.last_check.error;
    const dial = it.last_failure && it.last_failure !== check ? "last dial: " + it.last_failure : "";
    return [it.maintenance, check, dial].filter(Boolean).join("; ");
  };
  const linesOf = (feed) => feed.shown.slice(0, 5).map((it) => {
    const line = it.line ? "on " + it.line : "without a line";
    const others = it.lines.map((other) => {
      if (other.diverged) return ", " + other.endpoint + " diverged at " + other.diverged;
      if (other.stage !== "standby") return "";
      return ", beside " + other.endpoint + (other.lag ? ", " + other.lag + " behind" : "") + (other.verified ? "" : ", not verified");
    });
    return it.address + (it.next ? ", next " + it.next : "") + ", " + line + others.join("");
  });
  const card = (pool, rates, history) => {
    const node = make("article", pool.healthy ? "" : "down");
    const head = make("div", "head");
    head.append(make("h3", "", pool.name));
    if (pool.kind !== "service") head.append(make("span", "tag", pool.kind));
    if (!pool.healthy) head.append(make("span", "bad", "nobody is healthy"));
    if (pool.held) head.append(make("span", "tag doubt", "held by an operator"));
    if (pool.forced) head.append(make("span", "tag doubt", "forced by an operator"));
    if (pool.hold_down_left_seconds !== null) head.append(make("span", "tag doubt", "returns in " + span(pool.hold_down_left_seconds)));
    const nums = make("div", "nums");
    const open = make("span");
    open.append(make("b", "", String(pool.connections)), " open");
    const begun = make("span", "dim", rates ? rate(rates.connects) + "/s" : "");
    const flow = make("span", "dim", rates ? "↑ " + bytes(rates.up) + "/s  ↓ " + bytes(rates.down) + "/s" : "");
    nums.append(open, begun, flow, spark(history || []));
    const ends = make("ul", "ends");
    for (const tier of pool.tiers)
      for (const it of tier.endpoints) {
        const line = make("li", tier.tier === pool.active_tier ? "" : "spare");
        const name = make("span", "addr", it.endpoint);
        name.title = rank(tier.tier) + " " + it.endpoint + (it.addresses.length ? " (" + it.addresses.join(", ") + ")" : "");
        const most = it.max_connections === null ? "" : "/" + it.max_connections;
        line.append(make("span", "dot " + it.state), name, make("span", "dim", it.connections + most));
        if (it.state !== "up") line.append(make("span", "note", noteOf(it)));
        ends.append(line);
      }
    node.append(head, make("p", "why", whyOf(pool)), nums, ends);
    if (pool.feed) {
      const waiting = (pool.feed.waiting ? ", " + pool.feed.waiting + " without a line" : "") + (pool.feed.diverged ? ", " + pool.feed.diverged + " with a line that diverged" : "");
      const feed = make("ul", "ends");
      const count = make("li");
      count.append(make("span", "dot " + (pool.feed.waiting ? "down" : "up")), make("span", "", pool.feed.consumers + " consumers" + waiting), make("span"));
      feed.append(count, ...linesOf(pool.feed).map((text) => {
        const line = make("li");
        line.append(make("span"), make("span", "addr", text), make("span"));
        return line;
      }));
      node.append(feed);
    }
    return node;
  };
  const drawServices = ({ status, rates }) => {
    const pools = poolsOf(status);
    // Those that are in need first; else as the process lists them.
    const sorted = [...pools].sort((a, b) => Number(a.healthy) - Number(b.healthy));
    const shown = sorted.slice(0, CARDS_MAX);
    const rest = pools.length - shown.length;
    $("count").textContent = pools.length + (rest ? ", of which " + shown.length + " are shown" : "");
    $("services").replaceChildren(...shown.map((it) => card(it, rates.get(keyOf(it)), histories.get(keyOf(it)))));
  };

  // Transitions.
  const sentence = (it) => {
    const led = it.from && it.to ? it.from + " → " + it.to : it.to || "";
    const why = [it.cause, it.reason].filter(Boolean).join(": ");
    return [[it.event, it.endpoint, led].filter(Boolean).join(" "), why].filter(Boolean).join(": ");
  };
  const colourOf = (it) => {
    if (it.event === "failback" || it.to === "up") return "up";
    if (it.event === "failover" || it.to === "down") return "down";
    return "maintenance";
  };
  let told = "";
  const drawTransitions = ({ status }) => {
    let events = status.recent || [];
    if (!events.length) {
      events = poolsOf(status).map((it) => it.last_move).filter(Boolean);
      events.sort((a, b) => (a.time < b.time ? 1 : -1));
    }
    const now = JSON.stringify(events);
    if (now === told) return;
    told = now;
    const items = events.map((it) => {
      const item = make("li");
      const text = make("span");
      text.append(make("time", "", it.time.replace("T", " ").replace("Z", " UTC")), make("b", "", it.pool), " " + sentence(it));
      item.append(make("span", "dot " + colourOf(it)), text);
      return item;
    });
    const quiet = make("li");
    quiet.append(make("span", "dot"), make("span", "dim", "Nothing has moved since the start."));
    $("transitions").replaceChildren(...(items.length ? items : [quiet]));
  };

  // The tap.
  let seen = [], fresh = [], dropped = 0, isPaused = false, isDue = false;
  const textOf = (it) => ["event", "client", "sni", "rule", "kind", "route", "endpoint", "upstream", "phase", "cause", "reason", "error", "id", "listener", "alpn"]
    .map((key) => it[key] || "").join(" ").toLowerCase();
  const words = () => $("filter").value.toLowerCase().split(/\s+/).filter((it) => it && it !== "-");
  const matches = (it, wanted) => wanted.every((word) =>
    word[0] === "-" ? !it.text.includes(word.slice(1)) : it.text.includes(word));
  const wellOf = (it) => (it.event === "open" || it.cause === "done" ? "up"
    : ["upstream", "timeout", "resource", "abandon"].includes(it.cause) ? "down" : "maintenance");
  const rowOfTap = (it) => {
    const row = make("tr");
    const dot = make("td");
    dot.append(make("span", "dot " + wellOf(it)), " " + it.event);
    const led = it.route ? it.rule + " → " + it.route + (it.endpoint ? " → " + it.endpoint : "") : "–";
    const ends = [...new Set([it.phase, it.cause, it.reason])].filter(Boolean).join(" ");
    const took = it.event === "open"
      ? "hello " + brief(it.hello_ms) + ", dial " + brief(it.dial_ms)
      : [ends, it.id ? whole("↑ " + bytes(it.from_client) + " ↓ " + bytes(it.from_upstream)) : "", whole(brief(it.duration_ms))].filter(Boolean).join(" · ");
    const out = make("td", "out", took);
    if (it.error) out.title = it.error;
    const name = make("td", "name", cut(it.sni || "–", NAME_MAX));
    if (it.sni) name.title = it.sni;
    row.append(make("td", "dim", timeOfDay(it.time)), dot, make("td", "client", it.client), name, make("td", "led", led), out);
    return row;
  };
  const fill = () => {
    const wanted = words();
    const shown = [];
    for (let at = seen.length - 1; at >= 0 && shown.length < SHOWN_MAX; at -= 1)
      if (matches(seen[at], wanted)) shown.push(rowOfTap(seen[at].it));
    $("seen").replaceChildren(...shown);
  };
  const flush = () => {
    isDue = false;
    if (isPaused || !fresh.length) return;
    const wanted = words();
    const rows = fresh.filter((it) => matches(it, wanted)).slice(-SHOWN_MAX).map((it) => rowOfTap(it.it));
    seen = seen.concat(fresh).slice(-EVENTS_MAX);
    fresh = [];
    $("seen").prepend(...rows.reverse());
    while ($("seen").childElementCount > SHOWN_MAX) $("seen").lastElementChild.remove();
    sayFlow();
  };
  const sayFlow = (word) => {
    const lost = dropped ? dropped + " were too fast for this page" : "";
    $("flow").textContent = [word || (isPaused ? "paused" : ""), lost].filter(Boolean).join(", ");
  };
  const hear = (it) => {
    if (it.event === "dropped") dropped += it.dropped;
    else fresh.push({ it, text: textOf(it) });
    fresh = fresh.slice(-EVENTS_MAX);
    if (!isDue) { isDue = true; setTimeout(flush, 120); }
  };
  let following = null;
  const follow = async () => {
    if (following || document.hidden) return;
    following = new AbortController();
    try {
      const answer = await ask("/tap", following.signal);
      $("tap").hidden = false;
      document.querySelector(".side").classList.remove("alone");
      if (!answer.ok) { sayFlow((await answer.json()).error); throw new Error("busy"); }
      sayFlow();
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let rest = "";
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        const lines = (rest + value).split("\n");
        rest = lines.pop();
        for (const line of lines) if (line.startsWith("data:")) hear(JSON.parse(line.slice(5)));
      }
      throw new Error("ended");
    } catch (error) {
      if (!(error instanceof Unauthorized)) setTimeout(() => { if (isShown) follow(); }, 3000);
    } finally {
      following = null;
    }
  };
  $("filter").addEventListener("input", fill);
  $("pause").addEventListener("click", () => {
    isPaused = !isPaused;
    $("pause").textContent = isPaused ? "Go on" : "Pause";
    sayFlow();
    flush();
  });

  // The whole.
  let isShown = false, timer = 0;
  const notice = (text) => {
    $("notice").hidden = !text;
    $("notice").textContent = text;
  };
  const show = () => {
    $("ask").hidden = true;
    $("main").hidden = false;
    drawHead(last);
    drawMap(last);
    // Whoever has marked something is about to copy it.
    const marked = getSelection();
    if (!marked.isCollapsed && $("main").contains(marked.anchorNode)) return;
    drawServices(last);
    drawTransitions(last);
  };
  const askForToken = () => {
    isShown = false;
    $("wrong").textContent = token ? "It is another one." : "";
    token = "";
    sessionStorage.removeItem(KEY);
    $("main").hidden = true;
    $("figures").replaceChildren();
    notice("");
    $("ask").hidden = false;
    $("token").focus();
  };
  const round = async () => {
    clearTimeout(timer);
    if (document.hidden) return;
    const began = performance.now();
    try {
      if (!info.program) info = await (await inTime("/server_info")).json();
      await look();
      const restarted = restartedAt && performance.now() - restartedAt < RESTART_MS;
      notice(restarted ? info.program + " was restarted " + span(last.status.uptime_seconds) + " ago." : "");
      show();
      if (!isShown) { isShown = true; if (info.program === "mesh-gateway") follow(); }
    } catch (error) {
      if (error instanceof Unauthorized) return askForToken();
      const ago = last ? " What is shown is from " + span((performance.now() - last.at) / 1000) + " ago." : "";
      $("dot").className = "dot down";
      sayState("does not answer");
      notice("The process does not answer." + ago);
    }
    // A process with thousands of services takes its time: it has other things to do.
    const pause = 5 * (performance.now() - began);
    timer = setTimeout(round, Math.min(Math.max(LOOK_MS, pause), PAUSE_MAX_MS));
  };
  $("ask").addEventListener("submit", (event) => {
    event.preventDefault();
    token = $("token").value.trim();
    sessionStorage.setItem(KEY, token);
    $("token").value = "";
    round();
  });
  // A page that nobody sees takes no place at the address.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      if (following) following.abort();
    } else {
      round();
      if (isShown && info.program === "mesh-gateway") follow();
    }
  });
  let width = 0;
  new ResizeObserver(() => {
    const now = $("map").clientWidth;
    if (last && now !== width) { width = now; drawMap(last); }
  }).observe($("map"));
  round();
})();
