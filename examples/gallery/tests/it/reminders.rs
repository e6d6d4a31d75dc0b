//! Reminders: days of delay, and hours of a mail server that is down, in milliseconds.

use std::time::Duration;

use gallery::tasks::{Publish, Remind};

use crate::site::Site;

const DAY: Duration = Duration::from_secs(24 * 3600);

async fn publish(site: &Site, remind_in_days: u32) -> String {
    let photos = site.upload_all("ada", 1).await;
    let (owner, album) = ("ada".to_owned(), "Lisbon".to_owned());
    let album = Publish { owner, album, photos, remind_in_days: Some(remind_in_days) };
    let asked = site.world.post_json("/albums", &album).await.json();
    site.world.run_until_idle().await;
    let published = site.called_back(&asked).await;
    format!("/tasks/{}", published["reply"]["reminder"].as_str().unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_reminder_comes_on_its_day_and_not_before() {
    let site = Site::open().await;
    publish(&site, 7).await;
    let began = site.world.now();
    for _ in 0..6 {
        site.world.advance(DAY).await;
        site.world.run_until_idle().await;
        assert_eq!(site.mails(), Vec::<String>::new());
    }
    site.world.run_until_empty().await;
    let took = site.world.now().since(began);
    assert!((7 * DAY..7 * DAY + Duration::from_secs(3600)).contains(&took), "{took:?}");
    assert_eq!(site.mails(), ["Dear ada,\nlook at your album Lisbon again.\n"]);
    assert_eq!(site.world.sent::<Remind>().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_mail_server_that_is_down_for_hours_is_tried_until_it_is_back() {
    let site = Site::open().await;
    let task = publish(&site, 0).await;
    assert_eq!(site.mails().len(), 1, "it is up");

    std::fs::remove_dir_all(site.mail_directory()).unwrap();
    let task_of_next = publish(&site, 0).await;
    assert_ne!(task, task_of_next);
    for _ in 0..3 {
        site.world.advance(Duration::from_secs(3600)).await;
        site.world.run_until_idle().await;
    }
    let waits = site.get(&task_of_next).await;
    assert_eq!(waits["status"], "waiting");
    assert!(waits["attempts"].as_u64().unwrap() >= 3, "{waits}");
    assert!(waits["reason"].as_str().unwrap().contains("No such file"), "{waits}");

    std::fs::create_dir(site.mail_directory()).unwrap();
    let report = site.world.run_until_empty().await;
    assert_eq!((report.done, report.dead), (1, 0));
    assert_eq!(site.mails().len(), 1);
}
