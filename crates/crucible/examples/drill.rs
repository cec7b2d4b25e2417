//! The drills without the rest of the program: `cargo run -p holdfast-crucible --example drill -- --only upstream --drill crash`.

use clap::Parser;
use holdfast_crucible::{CrucibleOptions, run};

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    options: CrucibleOptions,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let report = run(Arguments::parse().options).await?;
    println!("{}", report.text());
    std::process::exit(i32::from(report.violated()));
}
