//! Clients with whom TLS does not come about. The log says why, for the first of them, and then now and then with how many
//! there were: anybody can come as often as they like.

use super::wire::Wire;
use holdfast_core::gate::Micros;
use rustls::{AlertDescription, Error};

/// Time between two lines in the log.
const PAUSE: Micros = 10_000_000;

/// When the next line may be written, and how many were refused since the last one without any.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    next: Micros,
    untold: u64,
}

impl Refusals {
    /// This client's connection has failed: tells why, if that is TLS, and if it is time.
    pub(super) fn note(&mut self, now: Micros, client: &Wire) {
        if let Some(trouble) = client.trouble()
            && let Some(others) = self.may_tell(now)
        {
            let from = client
                .peer()
                .map_or_else(|| "a client".to_owned(), |at| at.to_string());
            let hint = hint(trouble);
            tracing::warn!(
                "{from} is refused: TLS: {trouble}{hint} ({others} more since the last such line)"
            );
        }
    }

    /// How many were not told before, if it is time to tell.
    fn may_tell(&mut self, now: Micros) -> Option<u64> {
        if now < self.next {
            self.untold += 1;
            return None;
        }
        self.next = now + PAUSE;
        Some(std::mem::take(&mut self.untold))
    }
}

/// What may be done about it.
fn hint(trouble: &Error) -> &'static str {
    match trouble {
        Error::InvalidMessage(_) => "; does it speak TLS at all?",
        Error::NoCertificatesPresented => "; tls_client_auth demands one",
        Error::InvalidCertificate(_) => "; it must be valid now and signed by tls_ca_file",
        Error::AlertReceived(
            AlertDescription::UnknownCA
            | AlertDescription::BadCertificate
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateExpired,
        ) => "; it does not trust the certificate in tls_cert_file",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_is_told_once_and_counted() {
        let mut refusals = Refusals::default();
        assert_eq!(refusals.may_tell(5), Some(0));
        (0..1000).for_each(|_| assert_eq!(refusals.may_tell(5 + PAUSE - 1), None));
        assert_eq!(refusals.may_tell(5 + PAUSE), Some(1000));
        assert_eq!(refusals.may_tell(5 + 2 * PAUSE), Some(0));
    }
}
