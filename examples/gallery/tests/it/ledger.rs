//! The ledger: in order, and once, though a task can come twice.

use gallery::tasks::Charge;
use serde_json::json;

use crate::site::Site;

fn charge(cents: u32) -> Charge {
    Charge { owner: "ada".to_owned(), cents, what: format!("{cents} cents") }
}

#[tokio::test(start_paused = true)]
async fn charges_are_booked_in_the_order_in_which_they_came_up() {
    let site = Site::open().await;
    for cents in 1..=20 {
        site.world.client().send(charge(cents)).await.unwrap();
    }
    site.world.run_until_idle().await;
    let lines = site.get("/ledger/ada").await;
    let cents: Vec<_> =
        lines.as_array().unwrap().iter().map(|line| line["cents"].clone()).collect();
    assert_eq!(json!(cents), json!((1..=20).collect::<Vec<_>>()));
}

#[tokio::test(start_paused = true)]
async fn a_charge_that_is_delivered_twice_is_booked_once() {
    let site = Site::open().await;
    let pending = site.world.client().send(charge(5)).await.unwrap();
    site.world.run_until_idle().await;
    site.world.deliver_again(pending.id()).await;
    let report = site.world.run_until_idle().await;
    assert_eq!((report.repeated, report.done), (1, 0), "the kept reply is the answer");
    assert_eq!(site.get("/ledger/ada").await, json!([{ "cents": 5, "what": "5 cents" }]));
}
