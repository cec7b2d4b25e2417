//! The stamp in a server's data, where acknowledgements mean disks.

use super::batch::Batch;
use super::{Info, Link, LinkError};
use crate::server::STAMP;
use holdfast_core::stamp::Stamp;
use holdfast_resp::Value;

impl Link {
    /// Whether the server keeps a stamp.
    pub fn has_stamps(&self) -> bool {
        self.stamps.is_some()
    }

    /// Completes what a server tells of itself by its stamp, which is no key of the clients'.
    pub(super) async fn with_stamp(&mut self, mut info: Info) -> Result<Info, LinkError> {
        let Some(database) = self.stamps.filter(|_| !info.loading) else {
            return Ok(info);
        };
        let mut batch = Batch::default();
        batch.add(&["SELECT", &database.to_string()]);
        batch.add(&["GET", STAMP]);
        batch.add(&["SELECT", "0"]);
        let replies = self.call(batch).await?;
        info.stamp = replies
            .get(1)
            .and_then(Value::as_str)
            .and_then(Stamp::from_text);
        info.keys -= u64::from(info.stamp.is_some()).min(info.keys);
        Ok(info)
    }
}
