// Serves a feed with the npm package soupbintcp: npm_server.js FILE FIRST SESSION
//
// Every login is accepted with number FIRST, whatever it asked for, and gets the messages of a
// BinaryFILE from there on, then the end of the session.
'use strict';

const fs = require('fs');
const soupbintcp = require('soupbintcp');

// The messages that go out before others get their turn, and the time between.
const AT_ONCE = 20;
const PAUSE_MS = 5;

const [file, first, name] = process.argv.slice(2);
const messages = [...read(fs.readFileSync(file))];

function* read(bytes) {
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt16BE(at);
    if (length === 0) return;
    yield bytes.subarray(at + 2, at + 2 + length);
    at += 2 + length;
  }
}

function feed(session, from) {
  if (session.isOver) return;
  const until = Math.min(from + AT_ONCE, messages.length);
  for (let at = from; at < until; at += 1) session.send(messages[at]);
  if (until < messages.length) {
    setTimeout(() => feed(session, until), PAUSE_MS);
  } else {
    session.ending();
    session.end();
  }
}

const server = new soupbintcp.Server({ host: '127.0.0.1', port: 0 }, () => {
  console.error(`ready feed=127.0.0.1:${server.address().port}`);
});

server.on('session', (session) => {
  const over = () => {
    session.isOver = true;
    session.end();
  };
  session.on('login', (login) => {
    const asked = login.requestedSession.trim() || '-';
    console.error('login', login.username.trim(), asked, login.requestedSequenceNumber);
    session.accept({ session: name, sequenceNumber: Number(first) });
    feed(session, Number(first) - 1);
  });
  session.on('logout', over);
  session.on('end', over);
  session.on('error', over);
});
