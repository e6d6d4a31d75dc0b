//! What 10,000 packed sends take alone, and beside three workers that share the app's store. It fails when
//! the workers make them take more than one and a half times as long.
//!
//! ```text
//! cargo bench --package fibonacci --bench packed_sends
//! ```
//!
//! A broker and three workers are processes of their own, on the loopback interface; the sender is
//! this one. Store and broker keep their data on disk. The rounds alternate, so that all of them
//! meet the same noise: compare the two medians of one run.
//!
//! # Invariants
//!
//! - Only processes that were started here are ended, each by its own handle.

#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
#![expect(clippy::print_stdout, reason = "and tells what it measured")]

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use longshore::Task;
use longshore::tasks::{
    AwsOptions, AwsTransport, Client, ClientOptions, StoreLocation, SystemClock, Transport,
};

const SENDS: usize = 10_000;
const WORKERS: usize = 3;
const ROUNDS: usize = 3;
const QUEUE: &str = "FibonacciTaskQueue";
/// How much longer the sends may take beside the workers.
const RATIO_MAX: f64 = 1.5;
const START_MAX: Duration = Duration::from_secs(30);

/// A task of the reference system, as any program may send one.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, Task)]
#[task(name = "fibonacci", reply = serde_json::Value)]
struct Fibonacci(u64);

/// A process that ends with this value.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// One broker, its queues and its store; everything is removed at the end.
struct System {
    directory: PathBuf,
    port: u16,
    _broker: Running,
}

impl System {
    fn start(round: usize) -> Result<Self, Box<dyn std::error::Error>> {
        let name = format!("packed-sends-{}-{round}", std::process::id());
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&directory)?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let listen = format!("127.0.0.1:{port}");
        let broker = run(&directory, &["broker", "--broker-listen", &listen])?;
        Ok(Self { directory, port, _broker: broker })
    }

    fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn worker(&self) -> std::io::Result<Running> {
        let endpoint = self.endpoint();
        let health = ["--health-listen", "127.0.0.1:0"];
        run(&self.directory, &[&["worker", "--endpoint-url", &endpoint], &health[..]].concat())
    }

    async fn client(&self) -> Result<Client, Box<dyn std::error::Error>> {
        let region = Some("us-east-1".to_owned());
        let options = AwsOptions { endpoint_url: Some(self.endpoint()), region };
        let transport = Arc::new(AwsTransport::connect(options).await?);
        let until = Instant::now() + START_MAX;
        while let Err(error) = transport.resolve(QUEUE).await {
            if Instant::now() > until {
                return Err(error.into());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let store = StoreLocation::file(self.directory.join("tasks.sqlite3"));
        let store = store.open(Arc::new(SystemClock)).await?;
        let options = ClientOptions {
            reply_queue: Some("FibonacciStatusQueue".to_owned()),
            ..ClientOptions::default()
        };
        Ok(Client::new(transport, QUEUE, store, options))
    }
}

impl Drop for System {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.directory));
    }
}

fn run(directory: &Path, arguments: &[&str]) -> std::io::Result<Running> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fibonacci"));
    command.args(arguments).arg("--data").arg(directory).stdout(Stdio::null());
    command.stderr(Stdio::null()).env("AWS_ACCESS_KEY_ID", "x").env("AWS_SECRET_ACCESS_KEY", "x");
    Ok(Running(command.spawn()?))
}

/// The time of all sends, beside `workers` workers.
async fn round(round: usize, workers: usize) -> Result<Duration, Box<dyn std::error::Error>> {
    let system = System::start(round)?;
    let client = system.client().await?;
    let workers: Vec<Running> = (0..workers).map(|_| system.worker()).collect::<Result<_, _>>()?;
    if !workers.is_empty() {
        // They run tasks once the sends begin.
        client.call(Fibonacci(8)).deadline(START_MAX).await?;
    }
    let begun = Instant::now();
    let sent = client.send_all((0..SENDS).map(|_| Fibonacci(8))).await;
    let took = begun.elapsed();
    assert_eq!(sent.iter().filter(|one| one.is_ok()).count(), SENDS, "some were not sent");
    Ok(took)
}

fn main() -> ExitCode {
    let runtime = tokio::runtime::Runtime::new().expect("the system has what a runtime takes");
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    for number in 0..ROUNDS {
        for (workers, times) in [(0, &mut alone), (WORKERS, &mut beside)] {
            match runtime.block_on(round(number, workers)) {
                Ok(took) => times.push(took.as_secs_f64()),
                Err(error) => {
                    println!("round {number} beside {workers} workers failed: {error}");
                    return ExitCode::FAILURE;
                }
            }
        }
    }
    let (alone, beside) = (median(alone), median(beside));
    println!("{SENDS} packed sends, median of {ROUNDS}: {alone:.2} s alone,");
    let ratio = beside / alone;
    println!(
        "{beside:.2} s beside {WORKERS} workers: {ratio:.2} times, where {RATIO_MAX} is the bound"
    );
    if ratio <= RATIO_MAX { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_unstable_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or_default()
}
