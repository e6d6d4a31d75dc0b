//! Texts: a store brings back every byte, and never reads them.

use longshore_tasks::store::AskedRow;

use super::case::{Case, first, over, same};

/// The longest body that a message has.
const MEBIBYTE: usize = 1 << 20;

pub(super) async fn exercise(case: &Case) {
    a_mebibyte_comes_back(case).await;
    every_character_and_digit_comes_back(case).await;
    words_come_back(case).await;
}

/// Not one that compresses to nothing.
fn long_text() -> String {
    let mut text = String::with_capacity(MEBIBYTE);
    for number in 0_u32.. {
        if text.len() >= MEBIBYTE {
            break;
        }
        text.push_str(&number.wrapping_mul(2_654_435_761).to_string());
    }
    text.truncate(MEBIBYTE);
    text
}

async fn a_mebibyte_comes_back(case: &Case) {
    let text = long_text();
    let mut write = first("long");
    write.asked = write.asked.map(|asked| AskedRow { text: text.clone(), ..asked });
    write.life.text.clone_from(&text);
    let row = case.done(write).await;
    assert!(row.asked.text == text, "a mebibyte of what was asked comes back");
    assert!(row.life.text == text, "a mebibyte of how the task lives comes back");
    let row = case.done(over("long", 1)).await;
    assert!(row.asked.text == text, "a mebibyte of what was asked stays over a short write");
    let mut write = over("long", 2);
    write.life.text.clone_from(&text);
    assert!(case.done(write).await.life.text == text, "a short text becomes a long one");
}

async fn every_character_and_digit_comes_back(case: &Case) {
    let texts = [
        String::new(),
        "{\"n\":123456789012345678901234567890.1234567890123456789,\"e\":1e400,\"z\":-0.0}"
            .to_owned(),
        "{ \"b\":1,\"a\" : 2, \"b\":3 }\n".to_owned(),
        "zażółć 漢字 \u{1F980} e\u{301} \u{200D}\u{FEFF} \u{10FFFF}".to_owned(),
        (1..=0x1F_u8).map(char::from).chain("'\"\\%_*?$1:{}".chars()).collect(),
    ];
    for (number, text) in texts.iter().enumerate() {
        let mut write = first(&format!("text-{number}"));
        write.asked = write.asked.map(|asked| AskedRow { text: text.clone(), ..asked });
        write.life.text.clone_from(text);
        let row = case.done(write).await;
        same(&row.asked.text, text, "what was asked comes back letter by letter");
        same(&row.life.text, text, "how the task lives comes back letter by letter");
    }
}

async fn words_come_back(case: &Case) {
    let odd = "a 'b' \"c\" \\ ä 漢 {d},[e];%_*";
    let mut write = first("words");
    write.asked = write.asked.map(|asked| AskedRow {
        name: Some(odd.to_owned()),
        queue: odd.to_owned(),
        key: Some(odd.to_owned()),
        tags: vec![odd.to_owned(), String::new(), "1".to_owned()],
        ..asked
    });
    let asked = write.asked.clone();
    same(&Some(case.done(write).await.asked), &asked, "names, keys and tags come back");
    let mut write = first("empty");
    write.asked = write.asked.map(|asked| AskedRow {
        name: Some(String::new()),
        queue: String::new(),
        key: Some(String::new()),
        ..asked
    });
    let asked = write.asked.clone();
    same(&Some(case.done(write).await.asked), &asked, "an empty name is a name, and none is none");
}
