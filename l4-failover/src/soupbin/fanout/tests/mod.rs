//! A port's own login over real sockets, and consumers of it.

mod catch_ups;
mod logins;
mod outages;
mod parting;
mod rig;
