//! The bench without the rest of the program: `cargo run -p holdfast-crucible --example bench -- --only upstream --rounds 3`.

use clap::Parser;
use holdfast_crucible::{BenchOptions, bench};

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    options: BenchOptions,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    println!("{}", bench(Arguments::parse().options).await?.text());
    Ok(())
}
