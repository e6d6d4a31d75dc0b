//! The commands of an application, and what each does.

use std::process::ExitCode;

use crate::application::Application;
use crate::cli::{self, Cli, Command, QueuesCommand};
use crate::exit::Fault;
use crate::options::{BrokerRoleOptions, HealthOptions, QueuesApplyOptions, Role};
use crate::role::broker::BrokerRole;
use crate::role::{Endpoint, Names, app, broker, up, worker};
use crate::{announce, health, program, queues, verify};

/// Runs the application `A` as the command line says, and answers the exit code.
pub fn run<A: Application>() -> ExitCode {
    program::run::<Cli<A::Options>, _>(
        cli::command::<A>(),
        |cli| &cli.program,
        |cli| execute::<A>(cli.command.unwrap_or_else(|| Command::Up(Box::new(cli.up)))),
    )
}

async fn execute<A: Application>(command: Command<A::Options>) -> Result<(), Fault> {
    match command {
        Command::Queues(QueuesCommand::Apply(options)) => apply_queues::<A>(options).await,
        Command::Health(options) => ask_health(options).await,
        Command::Verify(data) => verify::verify(&data.broker()),
        Command::Up(_) | Command::App(_) | Command::Worker(_) | Command::Broker(_) => {
            run_role::<A>(command).await
        }
    }
}

/// Runs a role until the first signal, and gives it up at the second.
async fn run_role<A: Application>(command: Command<A::Options>) -> Result<(), Fault> {
    program::until_second_signal(async |signals| match command {
        Command::Up(options) => Box::pin(up::run::<A>(*options, signals)).await,
        Command::App(options) => Box::pin(app::run::<A>(*options, signals)).await,
        Command::Worker(options) => Box::pin(worker::run::<A>(*options, signals)).await,
        Command::Broker(options) => {
            Box::pin(broker::run(broker_role::<A>(*options)?, signals)).await
        }
        Command::Queues(_) | Command::Health(_) | Command::Verify(_) => Ok(()),
    })
    .await
}

/// A broker that declares the application's queues.
fn broker_role<A: Application>(options: BrokerRoleOptions) -> Result<BrokerRole, Fault> {
    Ok(BrokerRole {
        program: A::NAME,
        declared: Names::read::<A>(&options.queues)?.declared,
        directory: options.data.broker(),
        broker: options.broker,
        region: options.region.region,
        grace: options.drain.grace,
    })
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
    health::print(options.url, address).await
}
