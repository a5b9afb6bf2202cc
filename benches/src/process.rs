//! What a process has used: CPU and memory, as /proc says.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The number of a process.
pub type Pid = u32;

/// The processes of a process's own group, itself included: a program with processes for workers has
/// all of them there. A process that leads no group is alone.
#[must_use]
pub fn members(pid: Pid) -> Vec<Pid> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|it| it.file_name().to_str()?.parse().ok());
    let others = pids.filter(|it| *it != pid && group(*it) == Some(pid));
    std::iter::once(pid).chain(others).collect()
}

/// None where it has ended meanwhile.
fn group(pid: Pid) -> Option<Pid> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field, the name in parentheses, may hold anything; pgrp is the fifth.
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(2)?.parse().ok()
}

/// CPU time that a process and its [`members`] have used, in the kernel and outside.
///
/// # Errors
///
/// When there is no such process.
pub fn cpu(pid: Pid) -> Result<Duration> {
    members(pid).into_iter().map(cpu_alone).sum()
}

fn cpu_alone(pid: Pid) -> Result<Duration> {
    // In nanoseconds; where the kernel does not keep it, in ticks of mostly 10 ms.
    match schedstat(pid)? {
        Some(used) => Ok(used),
        None => Ok(ticks(&pid.to_string())?.own),
    }
}

fn schedstat(pid: Pid) -> Result<Option<Duration>> {
    let mut used = Duration::ZERO;
    let tasks = format!("/proc/{pid}/task");
    for task in fs::read_dir(&tasks).with_context(|| tasks.clone())? {
        let Ok(text) = fs::read_to_string(task?.path().join("schedstat")) else {
            return Ok(None);
        };
        let nanos = text.split(' ').next().and_then(|word| word.parse().ok());
        used += Duration::from_nanos(nanos.context("a schedstat without numbers")?);
    }
    Ok(Some(used))
}

/// CPU time in clock ticks: coarse, and complete.
#[derive(Clone, Copy, Debug)]
pub struct Ticks {
    /// Of the process.
    pub own: Duration,
    /// Of its children that have ended and were waited for.
    pub children: Duration,
}

/// CPU time of a process and its children; `pid` may be "self".
///
/// # Errors
///
/// When there is no such process.
pub fn ticks(pid: &str) -> Result<Ticks> {
    let path = format!("/proc/{pid}/stat");
    let text = fs::read_to_string(&path).with_context(|| path.clone())?;
    // The second field, the name in parentheses, may hold anything; utime is the 14th.
    let rest = text.rsplit_once(')').map_or("", |(_, rest)| rest);
    let numbers: Vec<u64> = rest
        .split_whitespace()
        .skip(11)
        .take(4)
        .map_while(|word| word.parse().ok())
        .collect();
    let [user, system, children_user, children_system] = numbers[..] else {
        anyhow::bail!("{path} is not as proc(5) says");
    };
    Ok(Ticks {
        own: tick(user + system),
        children: tick(children_user + children_system),
    })
}

/// A number of clock ticks as time.
#[must_use]
pub fn tick(count: u64) -> Duration {
    let per_second = rustix::param::clock_ticks_per_second().max(1);
    Duration::from_nanos(count * (1_000_000_000 / per_second))
}

/// Memory that a process and its [`members`] hold, in bytes; what they share with others counts in part
/// (PSS). The kernel's memory for their sockets is not in it.
///
/// # Errors
///
/// When there is no such process, or it is another user's.
pub fn memory(pid: Pid) -> Result<u64> {
    members(pid).into_iter().map(memory_alone).sum()
}

fn memory_alone(pid: Pid) -> Result<u64> {
    let path = format!("/proc/{pid}/smaps_rollup");
    let text = fs::read_to_string(&path).with_context(|| path.clone())?;
    let pss = text.lines().find_map(|line| line.strip_prefix("Pss:"));
    let kib: Option<u64> = pss.and_then(|it| it.trim().strip_suffix("kB")?.trim().parse().ok());
    Ok(kib.with_context(|| format!("{path} names no Pss"))? * 1024)
}

/// How many sockets are registered with each instance of epoll(7) that a process and its [`members`]
/// have, by /proc/PID/fdinfo. An instance that has two descriptors counts once.
///
/// # Errors
///
/// When there is no such process, or it is another user's.
pub fn sockets_by_poller(pid: Pid) -> Result<Vec<usize>> {
    let mut counts = Vec::new();
    for member in members(pid) {
        // What it waits for tells one instance from another; no two wait for the same sockets.
        let instances: BTreeSet<Vec<u32>> = pollers(member)?.into_iter().collect();
        counts.extend(instances.iter().map(Vec::len));
    }
    Ok(counts)
}

/// The sockets that each descriptor of an instance of epoll(7) waits for.
fn pollers(pid: Pid) -> Result<Vec<Vec<u32>>> {
    let directory = format!("/proc/{pid}/fd");
    let mut kinds = BTreeMap::new();
    for entry in fs::read_dir(&directory).with_context(|| directory.clone())? {
        let entry = entry?;
        let fd: Option<u32> = entry.file_name().to_str().and_then(|it| it.parse().ok());
        // One that was closed meanwhile is none.
        if let (Some(fd), Ok(kind)) = (fd, fs::read_link(entry.path())) {
            kinds.insert(fd, kind.to_string_lossy().into_owned());
        }
    }
    let is_socket = |fd: &u32| {
        kinds
            .get(fd)
            .is_some_and(|kind| kind.starts_with("socket:"))
    };
    let pollers = kinds
        .iter()
        .filter(|(_, kind)| kind.ends_with("[eventpoll]"));
    let mut waited = Vec::new();
    for (fd, _) in pollers {
        let path = format!("/proc/{pid}/fdinfo/{fd}");
        let text = fs::read_to_string(&path).with_context(|| path.clone())?;
        let targets = text.lines().filter_map(|line| line.strip_prefix("tfd:"));
        let targets = targets.filter_map(|it| it.split_whitespace().next()?.parse().ok());
        waited.push(targets.filter(is_socket).collect());
    }
    Ok(waited)
}

/// Open files that this process needs for so many connections: each has a client and a server here. A
/// proxy needs as many, for the two ends that it has of each.
#[must_use]
pub fn for_idle(connections: usize) -> u64 {
    2 * connections as u64 + 500
}

/// Lets this process open as many files as it ever may; how many that is.
#[must_use]
pub fn raise_descriptors() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    let allowed = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    allowed.unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_counted_as_one() {
        use std::os::unix::process::CommandExt;
        use std::process::{Command, Stdio};
        // Both wait for the pipe, which the child alone reads; the shell waits for its child.
        let mut shell = Command::new("sh")
            .args(["-c", "cat; true"])
            .stdin(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        let is_there = || members(shell.id()).len() == 2;
        while !is_there() {
            std::thread::yield_now();
        }
        let alone = memory_alone(shell.id()).unwrap();
        assert!(memory(shell.id()).unwrap() > alone);
        drop(shell.stdin.take());
        assert!(shell.wait().unwrap().success());
    }

    #[test]
    fn sockets_are_counted_by_who_waits_for_them() {
        use rustix::event::epoll::{CreateFlags, EventData, EventFlags, add, create};
        // So many that no other test has as many.
        const SOCKETS: usize = 37;
        let poller = create(CreateFlags::CLOEXEC).unwrap();
        let _again = poller.try_clone().unwrap();
        let socket = |_| std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let sockets: Vec<_> = (0..SOCKETS).map(socket).collect();
        for socket in &sockets {
            add(&poller, socket, EventData::new_u64(0), EventFlags::IN).unwrap();
        }
        let counts = sockets_by_poller(std::process::id()).unwrap();
        let ours = counts.iter().filter(|count| **count == SOCKETS);
        assert_eq!(ours.count(), 1, "{counts:?}");
    }

    #[test]
    fn this_process_has_used_something() {
        let pid = std::process::id();
        assert!(memory(pid).unwrap() > 100_000);
        let before = cpu(pid).unwrap();
        let until = std::time::Instant::now() + Duration::from_millis(50);
        while std::time::Instant::now() < until {
            std::hint::spin_loop();
        }
        assert!(cpu(pid).unwrap() > before);
    }
}
