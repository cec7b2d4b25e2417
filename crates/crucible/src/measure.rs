//! How long nobody could write.

pub mod outage;
pub mod quantiles;

pub use outage::Outage;
pub use quantiles::Quantiles;
