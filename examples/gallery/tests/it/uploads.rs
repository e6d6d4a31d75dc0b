//! Uploads: answered at once, and who waits is served before who does not.

use gallery::tasks::{Reindex, Thumbnail};
use longshore::Priority;

use crate::site::{Site, picture};

#[tokio::test(start_paused = true)]
async fn a_photo_has_a_small_picture_and_is_found_by_how_it_looks() {
    let site = Site::open().await;
    let answer = site.upload("ada", &picture(0)).await;
    assert_eq!(answer.status, 202);
    let uploaded = answer.json();
    assert_eq!(site.called_back(&uploaded).await["status"], "PENDING");

    site.world.run_until_idle().await;
    assert_eq!(site.called_back(&uploaded).await["reply"]["width"], 8);
    let photo = uploaded["photo"].as_str().unwrap();
    let small = site.world.get(&format!("/thumbnails/{photo}")).await.body;
    assert!(small.starts_with("P2\n8 1\n255\n"), "{small}");
    assert_eq!(site.get("/search/ada/bright").await, serde_json::json!([photo]));
    assert_eq!(site.get("/search/ada/dark").await, serde_json::json!([]));
}

#[tokio::test(start_paused = true)]
async fn what_somebody_waits_for_is_on_the_high_level_and_the_index_on_the_low_one() {
    let site = Site::open().await;
    site.upload_all("ada", 3).await;
    assert_eq!(site.world.available(&Priority::High.queue_of("pictures")).await, 3);
    assert_eq!(site.world.available(&Priority::Low.queue_of("pictures")).await, 3);
    site.world.assert_enqueued(|small: &Thumbnail| small.owner == "ada").await;
    assert_eq!(site.world.enqueued::<Reindex>().await.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_no_picture_is_told_to_its_caller_and_is_nobody_else_s_work() {
    let site = Site::open().await;
    let uploaded = site.upload("ada", "GIF89a").await.json();
    let report = site.world.run_until_idle().await;
    assert_eq!((report.discarded, report.dead, report.retried), (2, 0, 0));
    let status = site.called_back(&uploaded).await;
    assert_eq!(status["status"], "FAILED");
    assert!(
        status["error"]["message"].as_str().unwrap().starts_with("it is no picture"),
        "{status}"
    );
    assert_eq!(site.world.dead_letters("pictures").await, []);
}

#[tokio::test(start_paused = true)]
async fn an_owner_who_can_have_no_name_is_refused_before_anything_is_sent() {
    let site = Site::open().await;
    assert_eq!(site.upload("Ada", &picture(0)).await.status, 400);
    assert_eq!(site.world.sent::<Thumbnail>(), []);
}
