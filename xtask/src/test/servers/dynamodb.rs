//! `DynamoDB` Local, Amazon's own server for tests: fetched once with Maven into the cache, and run by Java.
//!
//! By itself it listens on all interfaces, and has no option for another choice: so `Loopback.java` starts it. It holds
//! nothing but what the tests write, in memory, for as long as they run.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::{START_MAX, Server, answers, debian, on_path, tied};
use crate::program::{Program, free_address};
use crate::workspace;

const VERSION: &str = "2.5.2";
/// Compiled by Java each time that it is run.
const MAIN: &str = include_str!("Loopback.java");
const OPTIONS: [&str; 3] = ["-inMemory", "-sharedDb", "-disableTelemetry"];

pub(super) fn start(data: &Path) -> Result<Server> {
    let java = installed("java")?;
    let kept = kept()?;
    let (address, main) = (free_address()?, data.join("Loopback.java"));
    fs::write(&main, MAIN)?;
    let mut command = tied::command(&java, "TERM", &kept);
    command.args(["-Xmx256m", "-Djava.library.path=lib", "-cp", "lib/*"]).arg(main).args(OPTIONS);
    command.args(["-port", &address.port().to_string()]);
    let mut program = Program::start("dynamodb", &mut command, data)?;
    program.wait_until(START_MAX, || answers(address, b"GET / HTTP/1.0\r\n\r\n"))?;
    let url = format!("dynamodb://suite?endpoint_url=http://{address}&region=us-east-1");
    Ok(Server { url, program })
}

/// A program of Java's: the packages are those that the conformance suite installs.
fn installed(name: &str) -> Result<PathBuf> {
    if on_path(name).is_none() {
        debian::install(&["default-jdk-headless", "maven"])
            .with_context(|| format!("it needs {name}"))?;
    }
    on_path(name).with_context(|| format!("the packages brought no {name}"))
}

/// The directory in the cache that holds it, in `lib`.
fn kept() -> Result<PathBuf> {
    let cache = workspace::cache()?;
    let kept = cache.join(format!("dynamodb-local-{VERSION}"));
    if kept.is_dir() {
        return Ok(kept);
    }
    let maven = installed("mvn")?;
    println!("fetching DynamoDB Local {VERSION} into {} (once)", kept.display());
    fs::create_dir_all(&cache)?;
    // Complete before it has its name, and two runs do not meet in one directory.
    let partial = tempfile::Builder::new().prefix("dynamodb-local-").tempdir_in(&cache)?;
    fs::write(partial.path().join("pom.xml"), pom())?;
    let mut fetch = workspace::command(maven);
    fetch.current_dir(partial.path()).args(["-q", "-B", "dependency:copy-dependencies"]);
    fetch.args(["-DincludeScope=runtime", "-DoutputDirectory=lib"]);
    let downloads = partial.path().join("repository");
    workspace::succeed(fetch.arg(format!("-Dmaven.repo.local={}", downloads.display())))?;
    fs::remove_dir_all(downloads)?;
    let partial = partial.keep();
    if fs::rename(&partial, &kept).is_err() {
        // Another run was first.
        fs::remove_dir_all(partial)?;
    }
    Ok(kept)
}

/// What Maven is asked for.
fn pom() -> String {
    format!(
        r#"<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>longshore</groupId>
  <artifactId>dynamodb-local</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>com.amazonaws</groupId>
      <artifactId>DynamoDBLocal</artifactId>
      <version>{VERSION}</version>
    </dependency>
  </dependencies>
</project>
"#
    )
}
