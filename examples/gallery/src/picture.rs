//! Pictures in shades of gray, in the text form of PGM ("portable gray map"), and arithmetic on them.
//!
//! ```text
//! P2          the format
//! 4 2         width and height
//! 255         white
//! 0 80 160 255
//! 255 160 80 0
//! ```

use std::fmt;

use thiserror::Error;

/// A picture: as many shades as width times height says, none above white.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    width: usize,
    white: u32,
    shades: Vec<u32>,
}

/// Bytes that are no picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("it is no picture: a PGM in text form is `P2`, width, height, white and the shades")]
pub struct NoPicture;

impl Picture {
    /// Reads a picture.
    ///
    /// # Errors
    ///
    /// It is none.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoPicture> {
        let text = str::from_utf8(bytes).map_err(|_| NoPicture)?;
        let rest = text.strip_prefix("P2").ok_or(NoPicture)?;
        let words = rest.lines().map(|line| line.split('#').next().unwrap_or_default());
        let numbers = words.flat_map(str::split_whitespace).map(str::parse::<u32>);
        let numbers = numbers.collect::<Result<Vec<_>, _>>().map_err(|_| NoPicture)?;
        let [width, height, white, shades @ ..] = &numbers[..] else { return Err(NoPicture) };
        let pixels = u64::from(*width) * u64::from(*height);
        let fits = pixels == shades.len() as u64 && shades.iter().all(|shade| shade <= white);
        if pixels == 0 || *white == 0 || !fits {
            return Err(NoPicture);
        }
        Ok(Self { width: *width as usize, white: *white, shades: shades.to_vec() })
    }

    /// Pixels from left to right.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Pixels from top to bottom.
    pub fn height(&self) -> usize {
        self.shades.len() / self.width
    }

    /// The same picture, at most `width` wide: each pixel is the mean of those that it stands for.
    #[must_use]
    pub fn smaller(&self, width: usize) -> Self {
        let by = self.width.div_ceil(width.max(1));
        let mean = |left: usize, top: usize| {
            let rows = top..(top + by).min(self.height());
            let columns = left..(left + by).min(self.width);
            let shades =
                rows.flat_map(|y| columns.clone().map(move |x| self.shades[y * self.width + x]));
            let (count, sum) = shades.fold((0, 0), |(count, sum), shade| (count + 1, sum + shade));
            sum / count
        };
        let tops = (0..self.height()).step_by(by);
        let shades =
            tops.flat_map(|top| (0..self.width).step_by(by).map(move |left| mean(left, top)));
        Self { width: self.width.div_ceil(by), white: self.white, shades: shades.collect() }
    }

    /// What it is found by: how it looks.
    pub fn words(&self) -> Vec<&'static str> {
        let sum: u64 = self.shades.iter().map(|&shade| u64::from(shade)).sum();
        let bright = sum * 2 > u64::from(self.white) * self.shades.len() as u64;
        let shape = match self.width.cmp(&self.height()) {
            std::cmp::Ordering::Less => "tall",
            std::cmp::Ordering::Equal => "square",
            std::cmp::Ordering::Greater => "wide",
        };
        vec![if bright { "bright" } else { "dark" }, shape]
    }
}

impl fmt::Display for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "P2\n{} {}\n{}", self.width, self.height(), self.white)?;
        for row in self.shades.chunks(self.width) {
            let row: Vec<String> = row.iter().map(ToString::to_string).collect();
            writeln!(f, "{}", row.join(" "))?;
        }
        Ok(())
    }
}

/// The bytes, with a count in place of each run of equal ones.
pub fn pack(bytes: &[u8]) -> Vec<u8> {
    let runs = bytes.chunk_by(|one, next| one == next);
    let runs = runs.flat_map(|run| run.chunks(usize::from(u8::MAX)));
    runs.flat_map(|run| [u8::try_from(run.len()).unwrap_or(u8::MAX), run[0]]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(text: &str) -> Picture {
        Picture::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_picture_is_written_as_it_was_read() {
        let text = "P2\n2 3\n255\n0 80\n160 255\n1 2\n";
        assert_eq!(picture(text).to_string(), text);
        assert_eq!(picture("P2 # by hand\n1 1 9\n7").to_string(), "P2\n1 1\n9\n7\n");
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        for bad in ["", "P5 1 1 9 7", "P2 1 1 9", "P2 1 1 9 10", "P2 0 0 9", "P2 2 1 9 7", "P2 a"] {
            assert_eq!(Picture::parse(bad.as_bytes()), Err(NoPicture), "{bad}");
        }
    }

    #[test]
    fn a_pixel_of_the_small_picture_is_the_mean_of_those_it_stands_for() {
        let small = picture("P2 4 2 255 0 10 100 200 20 30 200 100").smaller(2);
        assert_eq!(small.to_string(), "P2\n2 1\n255\n15 150\n");
        let odd = picture("P2 3 1 9 1 3 7").smaller(2);
        assert_eq!(odd.to_string(), "P2\n2 1\n9\n2 7\n");
    }

    #[test]
    fn a_picture_is_found_by_how_it_looks() {
        assert_eq!(picture("P2 2 1 9 9 9").words(), ["bright", "wide"]);
        assert_eq!(picture("P2 1 2 9 0 1").words(), ["dark", "tall"]);
    }

    #[test]
    fn runs_are_packed_and_long_ones_are_split() {
        assert_eq!(pack(b"aaab"), [3, b'a', 1, b'b']);
        assert_eq!(pack(&[0; 256]), [255, 0, 1, 0]);
    }
}
