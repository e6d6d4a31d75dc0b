//! The commands of an application, and what each does.

use std::env;
use std::fmt::Debug;
use std::process::ExitCode;

use clap::Args;

use crate::app::App;
use crate::cli::{Cli, Command, QueuesCommand};
use crate::exit::Fault;
use crate::options::{BrokerRoleOptions, HealthOptions, QueueOptions, QueuesApplyOptions, Role};
use crate::order::Order;
use crate::otlp::{Endpoint, Export};
use crate::role::broker::BrokerRole;
use crate::role::{self, Names, app, broker, up, worker};
use crate::{announce, backup, health, order, program, queues, salvage, twice, verify};

/// Runs the application as the command line says, and answers the exit code.
pub(crate) fn run<O, S>(app: App<O, S>) -> ExitCode
where
    O: Args + Clone + Debug + Send + Sync + 'static,
    S: Clone + Send + Sync + 'static,
{
    let name = app.name.clone();
    program::run_exporting::<Cli<O>, _>(
        app.command(),
        |cli| &cli.program,
        |cli, warnings| export(cli, &name, warnings),
        |cli| execute(app, cli.command.unwrap_or_else(|| Command::Up(Box::new(cli.up)))),
    )
}

/// Begins the export of spans, for a role that makes some and is told where to send them.
fn export<O: Args>(
    cli: &Cli<O>,
    program: &str,
    warnings: &mut Vec<String>,
) -> Result<Option<Export>, Fault> {
    let Some(options) = cli.traces() else { return Ok(None) };
    let variable = |name: &str| env::var(name).ok();
    let wanted = Endpoint::wanted(options.otlp_endpoint.as_deref(), variable, warnings);
    let Some(endpoint) = wanted else { return Ok(None) };
    match Export::start(&endpoint, program, warnings) {
        // Variables may be set for every program of a host, and are no reason not to start.
        Err(fault) if endpoint.variable.is_some() => {
            warnings.push(format!("no spans are exported: {fault}"));
            Ok(None)
        }
        started => started,
    }
}

async fn execute<O, S>(app: App<O, S>, command: Command<O>) -> Result<(), Fault>
where
    O: Args + Clone + Debug + Send + Sync + 'static,
    S: Clone + Send + Sync + 'static,
{
    match command {
        Command::Queues(command) => run_queues(&app, command).await,
        Command::Health(options) => ask_health(options).await,
        Command::Verify(data) => verify::verify(&data.broker()),
        Command::Backup(options) => backup::backup(&options),
        Command::Salvage(options) => salvage::salvage(&options),
        Command::Up(_) | Command::App(_) | Command::Worker(_) | Command::Broker(_) => {
            run_role(app, command).await
        }
    }
}

async fn run_queues<O, S>(app: &App<O, S>, command: QueuesCommand) -> Result<(), Fault>
where
    S: Clone + Send + Sync + 'static,
{
    let (order, options) = match command {
        QueuesCommand::Apply(options) => return apply_queues(app, options).await,
        QueuesCommand::Pause(options) => (Order::Pause, options),
        QueuesCommand::Resume(options) => (Order::Resume, options),
        QueuesCommand::Concurrency(options) => (Order::Concurrency(options.count), options.order),
    };
    order::give(&names(app, &options.queues)?, order, options).await
}

/// Runs a role until the first signal, and gives it up at the second.
async fn run_role<O, S>(app: App<O, S>, command: Command<O>) -> Result<(), Fault>
where
    O: Args + Clone + Debug + Send + Sync + 'static,
    S: Clone + Send + Sync + 'static,
{
    program::until_second_signal(async move |signals| match command {
        Command::Up(options) => Box::pin(up::run(app, *options, signals)).await,
        Command::App(options) => Box::pin(app::run(app, *options, signals)).await,
        Command::Worker(options) => Box::pin(worker::run(app, *options, signals)).await,
        Command::Broker(options) => {
            Box::pin(broker::run(broker_role(&app, *options)?, signals)).await
        }
        Command::Queues(_)
        | Command::Health(_)
        | Command::Verify(_)
        | Command::Backup(_)
        | Command::Salvage(_) => Ok(()),
    })
    .await
}

/// A broker that declares the application's queues.
fn broker_role<O, S>(app: &App<O, S>, options: BrokerRoleOptions) -> Result<BrokerRole, Fault>
where
    O: Args + Clone + Debug + Send + Sync + 'static,
    S: Clone + Send + Sync + 'static,
{
    Ok(BrokerRole {
        program: app.name.clone(),
        declared: names(app, &options.queues)?.declared,
        directory: options.data.broker(),
        broker: options.broker,
        region: options.region.region,
        grace: options.drain.grace,
    })
}

/// The queues of the application, under the names that were chosen.
pub(crate) fn names<O, S>(app: &App<O, S>, options: &QueueOptions) -> Result<Names, Fault>
where
    S: Clone + Send + Sync + 'static,
{
    if let Some(early) = app.misplaced {
        return Err(Fault::usage(format!(
            "the application says {early}, which forgets it: say it afterwards"
        )));
    }
    twice::handlers(&app.task_queues)?;
    let tasks: Vec<&str> = app.task_queues.iter().map(|queue| queue.name.as_str()).collect();
    let priorities: Vec<_> = app.task_queues.iter().map(|queue| queue.priorities).collect();
    let names = Names::read(&app.declaration, &tasks, app.reply_queue.as_deref(), options)?;
    names.with_levels(&priorities)
}

async fn apply_queues<O, S>(app: &App<O, S>, options: QueuesApplyOptions) -> Result<(), Fault>
where
    S: Clone + Send + Sync + 'static,
{
    let names = names(app, &options.queues)?;
    let endpoint = role::Endpoint::connect(&options.endpoint).await?;
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
    health::print(options.url, address).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::NoOptions;

    fn fault<O, S: Clone + Send + Sync + 'static>(app: &App<O, S>) -> String {
        let options = QueueOptions::default();
        names(app, &options).map(|_| ()).unwrap_err().to_string()
    }

    #[test]
    fn what_is_said_too_early_is_named_and_not_forgotten_in_silence() {
        let queue = App::new("early").queue("work", |queue| queue).state(async |_, _| Ok(1));
        assert!(fault(&queue).contains("App::queue before App::state"));
        let routes = App::new("early").routes(|_| axum::Router::new()).options::<NoOptions>();
        assert!(fault(&routes).contains("App::routes before App::options"));
    }
}
