//! `image`: builds the images of Holdfast. `make image` calls it.

use anyhow::Context as _;
use clap::{Parser, Subcommand, ValueEnum};
use holdfast_image::{Image, Server, Target};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Builds the images of Holdfast, bit by bit the same wherever it runs.
#[derive(Parser)]
struct Cli {
    /// Folder for the images.
    #[arg(long, default_value = "target/images", global = true)]
    out: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// The static binary on an empty base, with its bill of materials.
    Holdfast {
        /// Name and tag.
        #[arg(long, default_value = concat!("holdfast:", env!("CARGO_PKG_VERSION")))]
        name: String,
        /// Cargo's profile.
        #[arg(long, default_value = "dist")]
        profile: String,
        /// Target triple, linked against GNU's libc. [default: this machine's]
        #[arg(long)]
        target: Option<String>,
        /// Commit that it is built from, for the image's labels.
        #[arg(long)]
        revision: Option<String>,
    },
    /// The distribution's server, for tests and where nothing can be pulled.
    Server {
        server: Which,
        /// Name and tag. [default: redis:e2e-VERSION or valkey:e2e-VERSION]
        #[arg(long)]
        name: Option<String>,
    },
    /// Several layouts, one per architecture, as one layout named `holdfast`.
    Merge {
        /// The layouts.
        #[arg(required = true)]
        layouts: Vec<PathBuf>,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Which {
    Redis,
    Valkey,
}

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("image: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<()> {
    std::fs::create_dir_all(&cli.out).with_context(|| format!("making {}", cli.out.display()))?;
    match cli.command {
        Command::Holdfast {
            name,
            profile,
            target,
            revision,
        } => {
            let mut built_for = Target::host(&profile);
            built_for.triple = target.unwrap_or(built_for.triple);
            holdfast(&cli.out, &name, &built_for, revision.as_deref())
        }
        Command::Server { server, name } => server_image(&cli.out, server, name),
        Command::Merge { layouts } => {
            let digest = holdfast_image::merge(&layouts, &cli.out.join("holdfast"))?;
            println!("{digest}");
            Ok(())
        }
    }
}

fn holdfast(out: &Path, name: &str, target: &Target, revision: Option<&str>) -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .context("no workspace")?;
    let binary = holdfast_image::build_binary(root, target)?;
    let image = holdfast_image::holdfast(name, std::fs::read(binary)?, target, revision)?;
    let stem = format!("holdfast-{}", target.architecture()?);
    write(out, &stem, &image)?;
    let bill = holdfast_image::bill_of_materials(root, &target.triple, &image.digest())?;
    std::fs::write(out.join(format!("{stem}.cdx.json")), bill)?;
    Ok(())
}

fn server_image(out: &Path, which: Which, name: Option<String>) -> anyhow::Result<()> {
    let server = match which {
        Which::Redis => Server::Redis,
        Which::Valkey => Server::Valkey,
    };
    let version = server.version()?;
    let name = name.unwrap_or_else(|| format!("{}:e2e-{version}", server.name()));
    write(
        out,
        &format!("{}-{version}", server.name()),
        &server.image(&name)?,
    )
}

/// Both forms of an image: the folder STEM, and STEM.tar for tools that load archives.
fn write(out: &Path, stem: &str, image: &Image) -> anyhow::Result<()> {
    holdfast_image::write_layout(image, &out.join(stem))?;
    holdfast_image::write_archive(image, &out.join(format!("{stem}.tar")))?;
    println!(
        "{} {} {}",
        image.name,
        image.digest(),
        out.join(stem).display()
    );
    Ok(())
}
