//! Connections to redis-server and sentinels, with short limits: what does not answer is taken for dead.

use anyhow::{Context as _, bail};
use redis::{Client, Connection, ConnectionInfo, IntoConnectionInfo as _};
use std::time::Duration;

/// How clients connect.
#[derive(Clone, Debug, Default)]
pub(crate) struct Access {
    /// Of redis-server.
    pub(crate) password: Option<String>,
    /// Whether servers and sentinels speak TLS. Who signed their certificates is not looked at here.
    pub(crate) tls: bool,
}

/// Longest time for a connection to come about.
const CONNECT: Duration = Duration::from_millis(200);
/// Longest time for an answer.
pub(crate) const ANSWER: Duration = Duration::from_millis(400);

impl Access {
    /// A connection to redis-server at `address` (host:port).
    pub(crate) fn connect(&self, address: &str) -> anyhow::Result<Connection> {
        let mut info = self.url(address).into_connection_info()?;
        if let Some(password) = &self.password {
            let settings = info.redis_settings().clone().set_password(password);
            info = info.set_redis_settings(settings);
        }
        open(info, address)
    }

    /// What one command says.
    pub(crate) fn ask(&self, address: &str, words: &[&str]) -> anyhow::Result<String> {
        let mut connection = self.connect(address)?;
        let (command, arguments) = words.split_first().context("no command")?;
        let answer: redis::Value = redis::cmd(command)
            .arg(arguments)
            .query(&mut connection)
            .with_context(|| format!("{command} at {address}"))?;
        Ok(flat(&answer))
    }

    /// Which run of a server answers there.
    pub(crate) fn run_id(&self, address: &str) -> anyhow::Result<String> {
        let info = self.ask(address, &["INFO", "server"])?;
        let line = info.lines().find_map(|line| line.strip_prefix("run_id:"));
        Ok(line.context("no run_id")?.trim().to_owned())
    }

    /// One field of INFO replication.
    pub(crate) fn replication(&self, address: &str) -> anyhow::Result<Replication> {
        Ok(Replication {
            text: self.ask(address, &["INFO", "replication"])?,
        })
    }

    /// Where a sentinel says that the primary of `group` is, and which other sentinels it knows.
    pub(crate) fn ask_sentinel(
        &self,
        sentinel: &str,
        group: &str,
    ) -> anyhow::Result<(String, Vec<String>)> {
        let mut connection = open(self.url(sentinel).into_connection_info()?, sentinel)?;
        let answer: Option<Vec<String>> = redis::cmd("SENTINEL")
            .arg("get-master-addr-by-name")
            .arg(group)
            .query(&mut connection)?;
        let Some([host, port]) = answer.as_deref() else {
            bail!("{sentinel} knows no {group}");
        };
        let others: Vec<Vec<String>> = redis::cmd("SENTINEL")
            .arg("sentinels")
            .arg(group)
            .query(&mut connection)?;
        let field = |of: &[String], name: &str| {
            of.chunks(2)
                .find(|pair| pair[0] == name)
                .map(|pair| pair[1].clone())
        };
        let addresses = others
            .iter()
            .filter_map(|of| Some(format!("{}:{}", field(of, "ip")?, field(of, "port")?)));
        Ok((format!("{host}:{port}"), addresses.collect()))
    }

    fn url(&self, address: &str) -> String {
        if self.tls {
            format!("rediss://{address}/#insecure")
        } else {
            format!("redis://{address}/")
        }
    }
}

fn open(info: ConnectionInfo, address: &str) -> anyhow::Result<Connection> {
    let connection = Client::open(info)?
        .get_connection_with_timeout(CONNECT)
        .with_context(|| format!("connecting to {address}"))?;
    connection.set_read_timeout(Some(ANSWER))?;
    connection.set_write_timeout(Some(ANSWER))?;
    Ok(connection)
}

/// The answer to INFO replication.
#[derive(Debug)]
pub(crate) struct Replication {
    text: String,
}

impl Replication {
    /// A field; empty where there is none.
    pub(crate) fn field(&self, name: &str) -> &str {
        let line = self
            .text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.unwrap_or_default().trim()
    }
}

/// An answer as words, one per line.
fn flat(value: &redis::Value) -> String {
    match value {
        redis::Value::Nil => String::new(),
        redis::Value::Int(number) => number.to_string(),
        redis::Value::BulkString(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        redis::Value::SimpleString(text) => text.clone(),
        redis::Value::Okay => "OK".into(),
        redis::Value::Array(items) => items.iter().map(flat).collect::<Vec<_>>().join("\n"),
        other => format!("{other:?}"),
    }
}
