//! Connections of the check: with a password, over TLS.

use crate::tls::Tls;
use holdfast_cluster::Connection;
use holdfast_core::names::Address;
use holdfast_resp::Value;
use std::time::Duration;
use tokio::net::TcpStream;

/// Connecting, or one answer.
const STEP_MAX: Duration = Duration::from_secs(3);

/// How servers of one kind are spoken to.
pub(super) struct Wire {
    pub(super) password: Option<String>,
    pub(super) tls: Option<Tls>,
}

impl Wire {
    /// One command on a connection of its own: its answer, or what went wrong and where.
    pub(super) async fn ask(&self, at: &Address, command: &[&str]) -> Result<Value, String> {
        let asked = tokio::time::timeout(STEP_MAX, self.exchange(at, command));
        let reply = asked
            .await
            .map_err(|_| format!("no answer within {} s", STEP_MAX.as_secs()))
            .and_then(|reply| reply);
        reply.map_err(|error| format!("{} at {at}: {error}", command.join(" ")))
    }

    async fn exchange(&self, at: &Address, command: &[&str]) -> Result<Value, String> {
        let mut connection = self.open(at).await?;
        if let Some(password) = &self.password {
            call(&mut connection, &["AUTH", password]).await?;
        }
        call(&mut connection, command).await
    }

    async fn open(&self, at: &Address) -> Result<Connection, String> {
        let stream = TcpStream::connect((at.host.as_str(), at.port)).await;
        let stream = stream.map_err(|error| error.to_string())?;
        Ok(match &self.tls {
            None => Connection::over(Box::new(stream)),
            Some(tls) => Connection::over(Box::new(tls.connect(&at.host, stream).await?)),
        })
    }
}

async fn call(connection: &mut Connection, command: &[&str]) -> Result<Value, String> {
    let reply = connection.call(command).await;
    let reply = reply.map_err(|error| error.to_string())?;
    match reply.error() {
        Some(text) => Err(text.into_owned()),
        None => Ok(reply),
    }
}
