//! Clients as text.

use super::Heard;
use crate::paint::{Paint, Tone};
use crate::table::Table;
use holdfast_agent::clients::{Client, Clients};

const HEAD: [&str; 11] = [
    "NODE", "ADDRESS", "ID", "NAME", "USER", "DB", "CMD", "AGE", "IDLE", "TLS", "NOTE",
];

pub(super) fn lines(nodes: &[Clients], paint: Paint) -> Vec<String> {
    let mut table = Table::new(&HEAD);
    for node in nodes {
        for client in &node.clients {
            table.row(row(&node.node, client));
        }
    }
    table.lines(paint)
}

/// What does not belong into the table.
pub(super) fn troubles(heard: &Heard) -> Vec<String> {
    let unheard = heard.unheard.iter();
    let unheard = unheard.map(|one| format!("{}: {}", one.node, one.why));
    let troubled = heard.nodes.iter();
    let troubled =
        troubled.filter_map(|node| Some(format!("{}: {}", node.node, node.trouble.as_ref()?)));
    unheard.chain(troubled).collect()
}

fn row(node: &str, client: &Client) -> Vec<(String, Tone)> {
    let served = client.id.is_some();
    let of_server = |text: String| if served { text } else { "-".to_owned() };
    let cells = [
        node.to_owned(),
        or_dash(client.address.as_deref()),
        of_server(client.id.unwrap_or_default().to_string()),
        or_dash(Some(&client.name)),
        or_dash(Some(&client.user)),
        of_server(client.db.to_string()),
        or_dash(Some(&client.cmd)),
        of_server(format!("{} s", client.age)),
        of_server(format!("{} s", client.idle)),
        or_dash(client.tls.map(|tls| if tls { "yes" } else { "no" })),
        note(client),
    ];
    cells.map(|cell| (cell, Tone::Plain)).to_vec()
}

/// What its columns do not say.
fn note(client: &Client) -> String {
    match client {
        Client { own: true, .. } => "holdfast's own".to_owned(),
        Client {
            id: None, at: None, ..
        } => "on its way to the next primary".to_owned(),
        Client { at: Some(gate), .. } => format!("goes on at {gate}"),
        Client {
            via: Some(gate), ..
        } => format!("through the gate at {gate}"),
        Client { flags, .. } if flags.contains('S') => "replica".to_owned(),
        Client { flags, .. } if flags.contains('M') => "primary".to_owned(),
        _ => String::new(),
    }
}

fn or_dash(text: Option<&str>) -> String {
    let text = text.filter(|text| !text.is_empty());
    text.unwrap_or("-").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_says_who_is_who() {
        let served = Client {
            id: Some(7),
            address: Some("10.0.0.9:4711".to_owned()),
            tls: Some(true),
            name: "worker".to_owned(),
            user: "alice".to_owned(),
            cmd: "get".to_owned(),
            age: 5,
            ..Client::default()
        };
        let gone = Client {
            address: Some("10.0.0.8:1".to_owned()),
            at: Some("10.0.1.1:6379".to_owned()),
            tls: Some(false),
            ..Client::default()
        };
        let node = Clients {
            node: "redis-0".to_owned(),
            gate: true,
            trouble: None,
            clients: vec![served, gone],
        };
        let said = lines(&[node], Paint::off());
        let words: Vec<Vec<&str>> = said
            .iter()
            .map(|line| line.split_whitespace().collect())
            .collect();
        let expected = "redis-0 10.0.0.9:4711 7 worker alice 0 get 5 s 0 s yes";
        assert_eq!(words[1].join(" "), expected);
        let expected = "redis-0 10.0.0.8:1 - - - - - - - no goes on at 10.0.1.1:6379";
        assert_eq!(words[2].join(" "), expected);
    }
}
