//! Albums: a task that sends others, once each, and a dead letter that comes back.

use gallery::tasks::{Publish, Thumbnail};

use crate::site::{Site, picture};

fn album(photos: &[String]) -> Publish {
    let (owner, album) = ("ada".to_owned(), "Lisbon".to_owned());
    Publish { owner, album, photos: photos.to_vec(), remind_in_days: None }
}

#[tokio::test(start_paused = true)]
async fn an_album_is_published_by_the_tasks_that_it_sends() {
    let site = Site::open().await;
    let photos = site.upload_all("ada", 3).await;
    site.world.run_until_idle().await;
    let asked = site.world.post_json("/albums", &album(&photos)).await.json();
    site.world.run_until_idle().await;

    let done = site.called_back(&asked).await;
    assert_eq!((&done["status"], &done["reply"]["photos"]), (&"COMPLETED".into(), &3.into()));
    assert_eq!(site.world.sent::<Thumbnail>().len(), 6, "three by the uploads, three by the album");
    let charge = done["reply"]["charge"].as_str().unwrap();
    let stands = site.get(&format!("/tasks/{charge}")).await;
    assert_eq!((&stands["task"], &stands["status"]), (&"charge".into(), &"completed".into()));
}

#[tokio::test(start_paused = true)]
async fn a_photo_that_nobody_uploaded_is_a_dead_letter_until_somebody_has() {
    let site = Site::open().await;
    let name = Site::open().await.upload_all("ada", 1).await;
    let asked = site.world.post_json("/albums", &album(&name)).await.json();
    assert_eq!(site.world.run_until_idle().await.dead, 1);

    let dead = site.world.dead_letters("pictures").await;
    assert_eq!(dead[0].reason.as_deref(), Some(&*format!("nobody uploaded {}", name[0])));
    let thumbnail = dead[0].argument::<Thumbnail>().unwrap();
    assert_eq!(thumbnail.photo, name[0]);
    // The album is published all the same, and the task is told as failed.
    assert_eq!(site.called_back(&asked).await["status"], "COMPLETED");
    let task = format!("/tasks/{}", dead[0].id);
    assert_eq!(site.get(&task).await["status"], "failed");

    site.upload("ada", &picture(0)).await;
    site.world.redrive("pictures").await;
    site.world.run_until_idle().await;
    assert_eq!(site.get(&task).await["status"], "completed");
    assert_eq!(site.world.dead_letters("pictures").await, []);
}
