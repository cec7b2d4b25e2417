//! The drills without the rest of the program: `cargo run -p holdfast-crucible --example drill -- --only upstream --drill crash`.

use clap::Parser;
use holdfast_crucible::{CrucibleOptions, ordeal, run};

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    options: CrucibleOptions,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let options = Arguments::parse().options;
    let violated = if options.minutes.is_some() {
        let report = ordeal::run(options).await?;
        println!("{}", report.text());
        report.violated()
    } else {
        let report = run(options).await?;
        println!("{}", report.text());
        report.violated()
    };
    std::process::exit(i32::from(violated));
}
