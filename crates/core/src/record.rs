//! The register value.
