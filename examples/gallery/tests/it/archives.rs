//! Archives: long work that says how far it is, ends when it is told to, and survives its worker.

use std::time::Duration;

use gallery::tasks::Archive;
use longshore::axum::body::Body;
use longshore::axum::http::Request;
use longshore_testkit::Answer;
use tokio::time::timeout;

use crate::site::Site;

async fn archive(site: &Site) -> (String, serde_json::Value) {
    let asked =
        site.world.post_json("/archives", &Archive { owner: "ada".to_owned() }).await.json();
    (format!("/tasks/{}", asked["id"].as_str().unwrap()), asked)
}

async fn delete(site: &Site, task: &str) -> Answer {
    site.world.request(Request::delete(task).body(Body::empty()).unwrap()).await
}

#[tokio::test(start_paused = true)]
async fn an_archive_says_how_far_it_is() {
    let site = Site::open().await;
    site.upload_all("ada", 4).await;
    site.world.run_until_idle().await;
    let (task, asked) = archive(&site).await;
    let watch = async {
        site.world.advance(Duration::from_secs(25)).await;
        site.get(&task).await
    };
    let (report, seen) = tokio::join!(site.world.run_until_idle(), watch);
    assert_eq!((&seen["status"], &seen["percent"]), (&"running".into(), &50.into()));
    assert_eq!(seen["note"], "photo 3 of 4");
    assert_eq!(report.done, 1);
    assert_eq!(site.called_back(&asked).await["reply"]["photos"], 4);
}

#[tokio::test(start_paused = true)]
async fn an_archive_that_nobody_wants_any_more_ends() {
    let site = Site::open().await;
    site.upload_all("ada", 100).await;
    site.world.run_until_idle().await;
    let (task, asked) = archive(&site).await;
    let cancel = async {
        site.world.advance(Duration::from_secs(25)).await;
        delete(&site, &task).await
    };
    let began = site.world.now();
    let (report, answer) = tokio::join!(site.world.run_until_idle(), cancel);
    assert_eq!((answer.status.as_u16(), report.cancelled), (202, 1));
    assert!(
        site.world.now().since(began) < Duration::from_secs(30),
        "a hundred photos take 1000 s"
    );
    assert_eq!(site.called_back(&asked).await["status"], "FAILED");
    assert_eq!(delete(&site, &task).await.status, 409, "it has ended");
    assert_eq!(delete(&site, "/tasks/unheard-of").await.status, 404);
}

#[tokio::test(start_paused = true)]
async fn an_archive_whose_worker_died_goes_on_where_it_was() {
    let site = Site::open().await;
    site.upload_all("ada", 6).await;
    site.world.run_until_idle().await;
    let (task, asked) = archive(&site).await;
    // The workers are dropped in the middle of the fourth photo: nothing is handed back.
    timeout(Duration::from_secs(35), site.world.run_until_idle()).await.unwrap_err();
    assert_eq!(site.get(&task).await["status"], "running");

    // The lease of the dead worker ends, and its claim a little later.
    let report = site.world.run_until_empty().await;
    assert_eq!(report.done, 1);
    let reply = &site.called_back(&asked).await["reply"];
    assert_eq!((&reply["photos"], &reply["found"]), (&6.into(), &3.into()));
    assert_eq!(site.get(&task).await["attempts"], 2);
}
