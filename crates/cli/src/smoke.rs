//! `holdfast smoke`: what `helm test` runs. Does what a client would do, and says what failed.
//!
//! ```text
//!  sentinel ─▶ primary ─▶ write ─▶ read on each replica ─▶ write through --primary ─▶ read through --replica
//! ```

mod check;
mod wire;

use crate::exit::{Exit, Failure, Outcome};
use crate::runtime::block_on;
use check::Check;
use clap::Args;
use holdfast_core::names::Address;
use std::path::{Path, PathBuf};
use std::time::Duration;
use wire::Wire;

/// All of it together. What is not right yet is tried again until then.
const WITHIN: Duration = Duration::from_secs(20);

#[derive(Debug, Args)]
pub(crate) struct SmokeArgs {
    /// The group.
    #[arg(long, value_name = "NAME", default_value = "mymaster")]
    group: String,
    /// Where sentinels answer clients.
    #[arg(long, value_name = "HOST:PORT")]
    sentinel: Address,
    /// Where clients that know no Sentinel find the primary.
    #[arg(long, value_name = "HOST:PORT")]
    primary: Option<Address>,
    /// Where they find a replica.
    #[arg(long, value_name = "HOST:PORT")]
    replica: Option<Address>,
    /// File with the password of the nodes.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// File with the password of the sentinels.
    #[arg(long, value_name = "FILE")]
    sentinel_password_file: Option<PathBuf>,
    /// Certificates (PEM) of the authorities that are trusted; everything speaks TLS then.
    #[arg(long, value_name = "FILE")]
    tls_ca_file: Option<PathBuf>,
    /// Certificate chain (PEM) to show to servers that ask for one.
    #[arg(
        long,
        value_name = "FILE",
        requires = "tls_key_file",
        requires = "tls_ca_file"
    )]
    tls_cert_file: Option<PathBuf>,
    /// Its private key (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_cert_file")]
    tls_key_file: Option<PathBuf>,
}

pub(crate) fn run(args: &SmokeArgs) -> Outcome {
    let check = Check {
        group: args.group.clone(),
        sentinel: args.sentinel.clone(),
        primary: args.primary.clone(),
        replica: args.replica.clone(),
        sentinels: wire(args, args.sentinel_password_file.as_deref())?,
        nodes: wire(args, args.password_file.as_deref())?,
    };
    let fail = |text: String| Failure::new(Exit::Failed, text);
    // The clock belongs to the runtime, so the timer must be made inside.
    let done = block_on(async { tokio::time::timeout(WITHIN, check.run()).await })?;
    done.map_err(|_| fail(format!("not done within {} s", WITHIN.as_secs())))?
        .map_err(fail)?;
    Ok(Exit::Ok)
}

fn wire(args: &SmokeArgs, password: Option<&Path>) -> Result<Wire, Failure> {
    let password = password.map(crate::whom::password).transpose()?;
    let tls = args.tls_ca_file.as_deref().map(|ca| tls(args, ca));
    Ok(Wire {
        password,
        tls: tls.transpose()?,
    })
}

fn tls(args: &SmokeArgs, authorities: &Path) -> Result<crate::tls::Tls, Failure> {
    let authorities = read(authorities)?;
    let own = match (&args.tls_cert_file, &args.tls_key_file) {
        (Some(chain), Some(key)) => Some((read(chain)?, read(key)?)),
        _ => None,
    };
    let own = own.as_ref().map(|(chain, key)| (&chain[..], &key[..]));
    crate::tls::Tls::new(&authorities, own).map_err(Failure::bad_input)
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path)
        .map_err(|error| Failure::bad_input(format!("cannot read {}: {error}", path.display())))
}
