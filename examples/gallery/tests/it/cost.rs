//! What an album costs in requests, as Amazon SQS bills them.

use gallery::tasks::Publish;
use longshore_testkit::assert_requests;

use crate::site::Site;

#[tokio::test(start_paused = true)]
async fn the_tasks_of_an_album_are_sent_ten_in_a_request() {
    let site = Site::open().await;
    let photos = site.upload_all("ada", 100).await;
    site.world.run_until_idle().await;
    let before = site.world.requests();
    let (owner, album) = ("ada".to_owned(), "Lisbon".to_owned());
    let album = Publish { owner, album, photos, remind_in_days: None };
    site.world.post_json("/albums", &album).await;
    site.world.run_until_idle().await;
    let spent = site.world.requests().since(&before);
    // 202 tasks: the album, two for each photo, and the charge. How many come with a receive depends on how many
    // places become free at one time.
    assert_requests!(spent, Task == 22, Delete <= 0.2 per task, <= 1.5 per task, Renew == 0);
}
