//! `holdfast up` with real processes.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod clients;
#[path = "../common/mod.rs"]
mod common;
mod condition;
mod copies;
mod crowd;
mod doubted;
mod group;
mod lease;
mod life;
mod options;
mod orders;
mod placed;
mod recovering;
mod spared;
mod versions;
mod well;
mod withheld;
