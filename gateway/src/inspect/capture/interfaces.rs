//! The interfaces of this machine.

use std::fmt;

use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;

use super::error::CaptureError;
use crate::inspect::frame::LinkType;

/// All interfaces at once.
pub const ANY: &str = "any";

/// An interface that frames may be captured on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// Its number, which no other had or will have; not that in [`list`].
    pub index: usize,
    /// How its frames begin; else its hardware type, `ARPHRD_` of `linux/if_arp.h`.
    pub link: Result<LinkType, u16>,
    /// Whether it is up.
    pub is_up: bool,
    /// Whether it has a carrier.
    pub is_running: bool,
    /// Whether what is sent there comes back.
    pub is_loopback: bool,
}

/// Kinds of hardware, of `linux/if_arp.h`.
mod hardware {
    pub(super) const ETHERNET: u16 = 1;
    pub(super) const RAW_IP: u16 = 519;
    pub(super) const TUNNEL: u16 = 768;
    pub(super) const TUNNEL6: u16 = 769;
    pub(super) const LOOPBACK: u16 = 772;
    pub(super) const SIT: u16 = 776;
    pub(super) const NONE: u16 = 65534;
}

/// The interfaces of this machine, in the kernel's order.
///
/// # Errors
///
/// [`CaptureError::System`] if it does not tell.
pub fn interfaces() -> Result<Vec<Interface>, CaptureError> {
    let told = getifaddrs().map_err(|error| CaptureError::system("list the interfaces", error))?;
    // One address of each interface is that of its hardware.
    let interfaces = told.filter_map(|told| {
        let address = told.address?;
        let address = address.as_link_addr()?;
        let has = |flag| told.flags.contains(flag);
        Some(Interface {
            index: address.ifindex(),
            link: link(address.hatype()),
            is_up: has(InterfaceFlags::IFF_UP),
            is_running: has(InterfaceFlags::IFF_RUNNING),
            is_loopback: has(InterfaceFlags::IFF_LOOPBACK),
            name: told.interface_name,
        })
    });
    Ok(interfaces.collect())
}

/// The interface that is asked for: by its name, or by its number in [`list`].
pub(super) fn find(asked: &str) -> Result<Interface, CaptureError> {
    let known = interfaces()?;
    let by_name = known.iter().find(|interface| interface.name == asked);
    let by_number = || known.get(asked.parse::<usize>().ok()?.checked_sub(1)?);
    by_name
        .or_else(by_number)
        .cloned()
        .ok_or_else(|| CaptureError::NoInterface {
            name: asked.to_owned(),
            known: known.iter().map(|it| it.name.clone()).collect(),
        })
}

/// What `-D` shows: a line for each interface, and one for [`ANY`].
///
/// # Errors
///
/// As [`interfaces`].
pub fn list() -> Result<String, CaptureError> {
    let mut lines = String::new();
    let known = interfaces()?;
    for (number, interface) in (1..).zip(&known) {
        lines.push_str(&format!("{number}.{interface}\n"));
    }
    lines.push_str(&format!(
        "{}.{ANY} (all interfaces that are up) [Up, Running]\n",
        known.len() + 1
    ));
    Ok(lines)
}

impl fmt::Display for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let states = [
            (self.is_up, "Up"),
            (self.is_running, "Running"),
            (self.is_loopback, "Loopback"),
            (self.link.is_err(), "Not supported"),
        ];
        let states = states.iter().filter(|(is_so, _)| *is_so);
        let states: Vec<&str> = states.map(|(_, state)| *state).collect();
        write!(f, "{} [{}]", self.name, states.join(", "))
    }
}

fn link(kind: u16) -> Result<LinkType, u16> {
    match kind {
        hardware::ETHERNET | hardware::LOOPBACK => Ok(LinkType::Ethernet),
        hardware::RAW_IP
        | hardware::TUNNEL
        | hardware::TUNNEL6
        | hardware::SIT
        | hardware::NONE => Ok(LinkType::Raw),
        other => Err(other),
    }
}
