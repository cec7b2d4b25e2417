//! Where the server listens, in clear or with TLS.

use super::ConfigError;
use super::lines::quoted;
use crate::Options;
use std::path::Path;

/// Setting and value of the port by which clients and replicas come in, in clear or with TLS, never both; none where the gate
/// listens.
pub(crate) fn listens(options: &Options) -> Option<[String; 2]> {
    let key = if options.tls_cert_file.is_some() {
        "tls-port"
    } else {
        "port"
    };
    (!options.gated()).then(|| [key.to_owned(), options.listen.port.to_string()])
}

/// The ports and, with TLS, what it needs.
pub(super) fn port_lines(options: &Options) -> Result<Vec<String>, ConfigError> {
    let line = listens(options).map(|[key, port]| format!("{key} {port}"));
    let Some(certificate) = &options.tls_cert_file else {
        if options.tls_key_file.is_some()
            || options.tls_ca_file.is_some()
            || options.tls_client_auth
        {
            return Err(ConfigError::Contradiction(
                "tls_key_file, tls_ca_file and tls_client_auth need tls_cert_file",
            ));
        }
        return Ok(vec![line.unwrap_or_else(|| "port 0".to_owned())]);
    };
    let (Some(key), Some(authorities)) = (&options.tls_key_file, &options.tls_ca_file) else {
        return Err(ConfigError::Contradiction(
            "tls_cert_file needs tls_key_file and tls_ca_file: replicas prove themselves with the one and trust by the other",
        ));
    };
    let auth = if options.tls_client_auth { "yes" } else { "no" };
    Ok(vec![
        "port 0".to_owned(),
        line.unwrap_or_else(|| "tls-port 0".to_owned()),
        format!("tls-cert-file {}", path("`tls_cert_file`", certificate)?),
        format!("tls-key-file {}", path("`tls_key_file`", key)?),
        format!("tls-ca-cert-file {}", path("`tls_ca_file`", authorities)?),
        format!("tls-auth-clients {auth}"),
        "tls-replication yes".to_owned(),
    ])
}

/// `::` means every address of either family; a host without IPv6 still listens on IPv4.
pub(super) fn bind_line(host: &str) -> String {
    if host == "::" {
        "bind * -::*".to_owned()
    } else {
        format!("bind {}", quoted(host))
    }
}

/// A path as an argument.
pub(super) fn path(what: &'static str, path: &Path) -> Result<String, ConfigError> {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    absolute
        .to_str()
        .map(quoted)
        .ok_or(ConfigError::Unwritable { what })
}

/// Is it "all addresses of this host", which means nothing to anybody else?
pub(super) fn is_any(host: &str) -> bool {
    matches!(host, "0.0.0.0" | "::" | "*" | "")
}

pub(super) fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback())
}
