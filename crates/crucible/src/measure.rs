//! How long nobody could write.

pub mod outage;
pub mod quantiles;
pub mod timeline;

pub use outage::Outage;
pub use quantiles::Quantiles;
pub use timeline::Timeline;
