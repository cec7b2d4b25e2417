//! Container images without a container engine.
//!
//! ```text
//!   cargo ──▶ binary ──┐
//!                      ├─▶ tree ──▶ layer ──▶ image ──┬─▶ OCI layout (skopeo, cosign, any registry)
//!   Debian packages ───┘                              └─▶ docker archive (docker load, ctr, kind)
//!   cargo metadata + Cargo.lock ──▶ bill of materials (CycloneDX)
//! ```
//!
//! The same input gives the same bits: entries are sorted, have no times and belong to root, and
//! JSON is written with sorted keys. So anybody can rebuild an image and compare its digest.

mod archive;
mod binary;
mod blob;
mod image;
mod layer;
mod layout;
mod merge;
mod sbom;
mod server;
mod tree;

pub use archive::write_archive;
pub use binary::{Target, build as build_binary, holdfast};
pub use image::{Image, Settings};
pub use layout::write_layout;
pub use merge::merge;
pub use sbom::bill_of_materials;
pub use server::Server;
pub use tree::Tree;
