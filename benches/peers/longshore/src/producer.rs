//! The application's side: reads orders from stdin, and answers on stdout, until stdin ends.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use longshore::Client;
use longshore::tasks::{
    AwsOptions, AwsTransport, ClientOptions, Replies, StoreLocation, SystemClock, Transport,
};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, stdin, stdout};
use tokio_util::sync::CancellationToken;

use crate::drive::{Failed, drive};
use crate::{REPLIES, TASKS};

/// How long the queues may take to be there.
const QUEUE_PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn run() -> ExitCode {
    let runtime = tokio::runtime::Runtime::new().expect("the system has what a runtime takes");
    match runtime.block_on(produce()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            runtime.block_on(say(&format!("failed {failed}"))).ok();
            ExitCode::FAILURE
        }
    }
}

async fn produce() -> Result<(), Failed> {
    let client = connect().await?;
    say("ready").await?;
    let mut orders = BufReader::new(stdin()).lines();
    while let Some(line) = orders.next_line().await? {
        let done = drive(&client, line.parse()?).await?;
        say(&done.line()).await?;
    }
    Ok(())
}

async fn say(line: &str) -> std::io::Result<()> {
    let mut stdout = stdout();
    stdout.write_all(format!("{line}\n").as_bytes()).await?;
    stdout.flush().await
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
