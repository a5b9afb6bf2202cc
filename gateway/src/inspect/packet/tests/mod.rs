//! Frames, written out header by header.

mod build;
mod fragments;
mod headers;
mod tunnels;
