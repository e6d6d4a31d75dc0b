//! `broker`: the queues, served to every program that speaks SQS.

use std::net::SocketAddr;

use longshore_broker::{Broker, BrokerOptions as OpenOptions, ServerOptions};
use longshore_types::Region;
use tokio::net::TcpListener;

use super::Crew;
use super::bind::{address_of, bind};
use super::crew::{SLACK, until_signal_or_end};
use super::endpoint::Endpoint;
use super::names::Names;
use crate::announce;
use crate::application::Application;
use crate::exit::Fault;
use crate::options::{BrokerOptions, BrokerRoleOptions, DataOptions, broker_region};
use crate::queues::apply;
use crate::signals::Signals;

/// Refuses to let the whole network use a broker that checks no signatures.
pub(super) fn check_exposure(options: &BrokerOptions) -> Result<(), Fault> {
    let address = options.broker_listen;
    if address.ip().is_loopback() || options.allow_anonymous {
        return Ok(());
    }
    Err(Fault::usage(format!(
        "the broker checks no signatures, and {address} is beyond this host: everyone who reaches \
         it could read and delete every message. Add --allow-anonymous if that is what you want, \
         or listen on 127.0.0.1 with --broker-listen"
    )))
}

/// Opens the broker, and creates or changes the declared queues.
pub(super) async fn open(
    options: &BrokerOptions,
    region: &str,
    data: &DataOptions,
    names: &Names,
) -> Result<Broker, Fault> {
    let region = Region::parse(region).map_err(|fault| Fault::usage(fault.to_string()))?;
    let data = (!options.in_memory).then(|| data.broker());
    let open = OpenOptions { data, region, strict: options.strict, ..OpenOptions::default() };
    let broker = Broker::open(open).await;
    let broker = broker.map_err(|fault| Fault::cannot_start(fault.to_string()))?;
    let admin = Endpoint::embedded(&broker).admin;
    let done = apply(admin.as_ref(), &names.declared).await.map_err(|(queue, fault)| {
        Fault::cannot_start(format!("the queue {queue} cannot be made as it is declared: {fault}"))
    })?;
    for change in &done {
        tracing::info!(queue = %change.queue(), "a declared queue was {}", change.verb());
    }
    Ok(broker)
}

/// Serves the broker in `crew`.
pub(super) fn spawn_server(crew: &mut Crew, broker: &Broker, listener: TcpListener) {
    let (broker, shutdown) = (broker.clone(), crew.shutdown());
    crew.spawn(async move {
        let served =
            longshore_broker::serve(broker, listener, ServerOptions::default(), shutdown).await;
        served.map_err(|fault| Fault::failed(format!("the broker's server failed: {fault}")))
    });
}

/// Runs `broker` until a signal.
///
/// # Errors
///
/// See [`Fault`]: what kept it from starting, or ended it.
pub async fn run<A: Application>(
    options: BrokerRoleOptions,
    signals: &mut Signals,
) -> Result<(), Fault> {
    let names = Names::read::<A>(&options.queues)?;
    check_exposure(&options.broker)?;
    let listener = bind(options.broker.broker_listen, "--broker-listen").await?;
    let address: SocketAddr = address_of(&listener);
    let region = broker_region(options.region.as_deref());
    let broker = open(&options.broker, &region, &options.data, &names).await?;
    let mut front = Crew::new();
    spawn_server(&mut front, &broker, listener);
    announce::say(&announce::broker::<A>(&options, &names, address));
    until_signal_or_end(signals, [&mut front]).await;
    let ended = front.stop(options.drain.grace + SLACK).await;
    broker.close().await;
    ended
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    fn listening(address: &str, allow_anonymous: bool) -> BrokerOptions {
        BrokerOptions {
            broker_listen: address.parse().unwrap(),
            in_memory: true,
            strict: false,
            allow_anonymous,
        }
    }

    #[test]
    fn a_broker_beyond_this_host_is_refused_unless_everyone_may_use_it() {
        for address in ["127.0.0.1:1", "[::1]:1"] {
            assert_eq!(check_exposure(&listening(address, false)), Ok(()));
        }
        for address in ["0.0.0.0:1", "[::]:1", "10.0.0.1:1"] {
            let fault = check_exposure(&listening(address, false)).unwrap_err();
            assert_eq!(fault.exit(), Exit::Usage);
            assert_eq!(check_exposure(&listening(address, true)), Ok(()));
        }
    }
}
