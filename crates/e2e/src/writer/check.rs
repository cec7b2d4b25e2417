//! Looking for what was acknowledged.

use super::lane::Log;
use crate::client::Access;
use anyhow::{Context as _, ensure};

/// Keys asked for at once.
const BATCH: usize = 500;

/// The acknowledged writes that the primary does not have: number of the client, number of the write.
pub(super) fn missing(
    access: &Access,
    primary: &str,
    prefix: &str,
    logs: &[Log],
) -> anyhow::Result<Vec<(usize, u64)>> {
    let mut connection = access.connect(primary)?;
    let role: Vec<redis::Value> = redis::cmd("ROLE").query(&mut connection).context("ROLE")?;
    ensure!(
        role.first() == Some(&redis::Value::BulkString(b"master".to_vec())),
        "{primary} is no primary"
    );
    let mut missing = Vec::new();
    for (lane, log) in logs.iter().enumerate() {
        for batch in log.acknowledged.chunks(BATCH) {
            let numbers: Vec<u64> = batch.iter().map(|(number, _)| *number).collect();
            let keys: Vec<String> = numbers
                .iter()
                .map(|number| format!("{prefix}:{lane}:{number}"))
                .collect();
            let values: Vec<Option<u64>> = redis::cmd("MGET")
                .arg(&keys)
                .query(&mut connection)
                .context("MGET")?;
            missing.extend(differing(&numbers, &values).map(|number| (lane, number)));
        }
    }
    Ok(missing)
}

/// Those numbers under whose key there is something else, or nothing.
fn differing(numbers: &[u64], values: &[Option<u64>]) -> impl Iterator<Item = u64> {
    numbers
        .iter()
        .zip(values)
        .filter(|(number, value)| Some(**number) != **value)
        .map(|(number, _)| *number)
}

#[cfg(test)]
mod tests {
    use super::differing;

    #[test]
    fn absent_and_wrong_values_are_missing() {
        let found: Vec<u64> = differing(&[1, 2, 3], &[Some(1), None, Some(4)]).collect();
        assert_eq!(found, [2, 3]);
    }
}
