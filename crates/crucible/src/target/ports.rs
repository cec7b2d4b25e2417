//! Free TCP ports on loopback.

use anyhow::{Context, Result};
use std::net::TcpListener;

/// `count` different ports that are free now. Held together while searching, so none comes twice.
pub fn free(count: usize) -> Result<Vec<u16>> {
    let listeners: Vec<TcpListener> = (0..count)
        .map(|_| TcpListener::bind(("127.0.0.1", 0)))
        .collect::<std::io::Result<_>>()
        .context("find free ports on 127.0.0.1")?;
    let ports = listeners
        .iter()
        .map(|listener| Ok(listener.local_addr()?.port()));
    ports
        .collect::<std::io::Result<_>>()
        .context("read the ports found")
}
