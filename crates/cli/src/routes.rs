//! How nodes and sentinels are reached from here, where that is not by their own addresses.

use holdfast_core::names::Address;
use std::collections::BTreeMap;

/// Forwarded ports, by the name of what is behind them. Empty where addresses can be used as they are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Routes(BTreeMap<String, Address>);

impl Routes {
    /// What is called `name` is reached at `local`.
    pub(crate) fn add(&mut self, name: String, local: Address) {
        self.0.insert(name, local);
    }

    /// Whether addresses can be used as they are.
    pub(crate) fn is_direct(&self) -> bool {
        self.0.is_empty()
    }

    /// Where to reach a node.
    pub(crate) fn node<'a>(&'a self, name: &str, address: &'a Address) -> &'a Address {
        self.0.get(name).unwrap_or(address)
    }

    /// A text for people: they know the names, and not the ports that stand for them here.
    pub(crate) fn in_words(&self, text: &str) -> String {
        let named = |text: String, (name, local): (&String, &Address)| {
            text.replace(&local.to_string(), name)
        };
        self.0.iter().fold(text.to_owned(), named)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_names_what_is_behind_a_forwarded_port() {
        let mut routes = Routes::default();
        routes.add("r-sentinel-0".to_owned(), Address::new("127.0.0.1", 40001));
        let text = routes.in_words("the sentinel at 127.0.0.1:40001 does not answer");
        assert_eq!(text, "the sentinel at r-sentinel-0 does not answer");
        assert!(!routes.is_direct());
    }

    #[test]
    fn without_routes_everything_is_what_it_is() {
        let address = Address::new("10.0.0.1", 6379);
        assert_eq!(Routes::default().node("redis-0", &address), &address);
    }
}
