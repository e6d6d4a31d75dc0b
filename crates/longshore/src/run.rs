//! The program around an application: from the command line to the exit code.

use std::io::Write as _;
use std::process::ExitCode;

use crate::application::Application;
use crate::cli::{self, Command, QueuesCommand};
use crate::exit::Fault;
use crate::options::address::reachable;
use crate::options::{HealthOptions, QueuesApplyOptions, Role};
use crate::role::{Endpoint, Names, app, broker, up, worker};
use crate::signals::Signals;
use crate::{announce, health, log, queues, verify};

/// Runs the application `A` as the command line says, and answers the exit code.
pub fn run<A: Application>() -> ExitCode {
    let cli = match cli::parse::<A>(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) => return refused(&error),
    };
    let command = cli.command.unwrap_or_else(|| Command::Up(Box::new(cli.up)));
    match log::start(cli.log_format).and_then(|()| in_runtime(execute::<A>(command))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            complain(&format!("{}: {fault}", A::NAME));
            ExitCode::from(&fault)
        }
    }
}

/// Help goes to stdout and is no error; wrong usage goes to stderr.
fn refused(error: &clap::Error) -> ExitCode {
    if let Err(fault) = error.print() {
        tracing::debug!(%fault, "nobody reads what was to be said");
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

fn complain(text: &str) {
    if let Err(fault) = writeln!(std::io::stderr().lock(), "{text}") {
        tracing::debug!(%fault, "nobody reads what was to be said");
    }
}

fn in_runtime(command: impl Future<Output = Result<(), Fault>>) -> Result<(), Fault> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime
        .map_err(|fault| Fault::cannot_start(format!("the system gives no threads: {fault}")))?;
    runtime.block_on(command)
}

async fn execute<A: Application>(command: Command<A::Options>) -> Result<(), Fault> {
    match command {
        Command::Queues(QueuesCommand::Apply(options)) => apply_queues::<A>(options).await,
        Command::Health(options) => ask_health(options).await,
        Command::Verify(data) => verify::verify(&data),
        Command::Up(_) | Command::App(_) | Command::Worker(_) | Command::Broker(_) => {
            run_role::<A>(command).await
        }
    }
}

/// Runs a role until the first signal, and gives it up at the second.
async fn run_role<A: Application>(command: Command<A::Options>) -> Result<(), Fault> {
    let (mut first, mut second) = (Signals::listen()?, Signals::listen()?);
    let role = async {
        match command {
            Command::Up(options) => Box::pin(up::run::<A>(*options, &mut first)).await,
            Command::App(options) => Box::pin(app::run::<A>(*options, &mut first)).await,
            Command::Worker(options) => Box::pin(worker::run::<A>(*options, &mut first)).await,
            Command::Broker(options) => Box::pin(broker::run::<A>(*options, &mut first)).await,
            Command::Queues(_) | Command::Health(_) | Command::Verify(_) => Ok(()),
        }
    };
    let given_up = async {
        second.next().await;
        second.next().await;
    };
    tokio::select! {
        ended = role => ended,
        () = given_up => {
            Err(Fault::failed("ended before it had drained, because a second signal came"))
        }
    }
}

async fn apply_queues<A: Application>(options: QueuesApplyOptions) -> Result<(), Fault> {
    let names = Names::read::<A>(&options.queues)?;
    let endpoint = Endpoint::connect(&options.endpoint).await?;
    let admin = endpoint.admin.as_ref();
    let changes = if options.dry_run {
        queues::preview(admin, &names.declared).await
    } else {
        queues::apply(admin, &names.declared).await
    };
    let changes = changes.map_err(|(queue, fault)| {
        Fault::failed(format!("the queue {queue} of {}: {fault}", endpoint.name))
    })?;
    if changes.is_empty() {
        announce::say("nothing to do");
    }
    for change in &changes {
        announce::say(&change.to_string());
    }
    Ok(())
}

async fn ask_health(options: HealthOptions) -> Result<(), Fault> {
    let address = match options.role {
        Role::App => options.listen,
        Role::Worker => options.health_listen,
        Role::Broker => options.broker_listen,
    };
    let url = options.url.unwrap_or_else(|| format!("http://{}/health", reachable(address)));
    announce::say(&health::ask(&url).await?);
    Ok(())
}
