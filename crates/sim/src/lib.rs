//! The deterministic simulator: the same core, a model Redis, network and disks with faults.

pub mod model;
pub mod rng;
