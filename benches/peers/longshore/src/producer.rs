//! The application's side: reads orders from stdin, and answers on stdout, until stdin ends.

use std::io::{self, Write as _, stdin, stdout};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use longshore::Client;
use longshore::tasks::{
    AwsOptions, AwsTransport, ClientOptions, Replies, StoreLocation, SystemClock, Transport,
};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use crate::drive::{Failed, drive};
use crate::{REPLIES, TASKS};

/// How long the queues may take to be there.
const QUEUE_PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn run() -> ExitCode {
    let runtime = Runtime::new().expect("the system has what a runtime takes");
    match produce(&runtime) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            // Whoever gave the orders may be gone, and there is nobody else to tell.
            say(&format!("failed {failed}")).ok();
            ExitCode::FAILURE
        }
    }
}

/// Reads orders on this thread; the runtime's own carry them out, and hear of replies meanwhile.
fn produce(runtime: &Runtime) -> Result<(), Failed> {
    let client = runtime.block_on(connect())?;
    say("ready")?;
    for line in stdin().lines() {
        let done = runtime.block_on(drive(&client, line?.parse()?))?;
        say(&done.line())?;
    }
    Ok(())
}

fn say(line: &str) -> io::Result<()> {
    let mut stdout = stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()
}

/// A client of the store and the endpoint that the environment names, which hears of replies.
async fn connect() -> Result<Client, Failed> {
    let (endpoint_url, store) = (Some(std::env::var("PEER_SQS")?), std::env::var("PEER_STORE")?);
    let options = AwsOptions { endpoint_url, region: Some("us-east-1".to_owned()) };
    let transport: Arc<dyn Transport> = Arc::new(AwsTransport::connect(options).await?);
    let store = StoreLocation::parse(&store)?.open(Arc::new(SystemClock)).await?;
    let reply_queue = Some(REPLIES.to_owned());
    let options = ClientOptions { reply_queue, ..ClientOptions::default() };
    let client = Client::new(Arc::clone(&transport), TASKS, store, options);
    let replies = Replies::new(transport, REPLIES, client.records().clone());
    let replies = replies.queue_patience(QUEUE_PATIENCE);
    tokio::spawn(async move { replies.run(CancellationToken::new()).await });
    Ok(client)
}
