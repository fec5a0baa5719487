//! A vector in the forms that clients ask for.
//!
//! The narrow forms are for clients that keep many vectors. Each is of one vector alone, with no range that would have to be
//! learnt from others: compare them by cosine or, bits, by what they share, and only with vectors of the same form.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The components as little-endian f32, in base64.
pub fn base64(vector: &[f32]) -> String {
    let bytes: Vec<u8> = vector.iter().flat_map(|value| value.to_le_bytes()).collect();
    STANDARD.encode(bytes)
}

/// Whole numbers in proportion to the components, the greatest of which becomes 127 or -127. A vector of zeros stays.
pub fn int8(vector: &[f32]) -> Vec<i8> {
    let greatest = vector.iter().fold(0f32, |greatest, value| greatest.max(value.abs()));
    let factor = if greatest > 0.0 { 127.0 / greatest } else { 0.0 };
    vector.iter().map(|value| (value * factor).round() as i8).collect()
}

/// The same, with 128 added.
pub fn uint8(vector: &[f32]) -> Vec<u8> {
    int8(vector).into_iter().map(|value| value.wrapping_add_unsigned(128).cast_unsigned()).collect()
}

/// A bit a component, 1 where it is above zero: eight in a byte, the first the highest; the last byte is filled up with zeros.
pub fn ubinary(vector: &[f32]) -> Vec<u8> {
    let byte = |eight: &[f32]| (0..8).fold(0, |byte, at| byte << 1 | u8::from(eight.get(at).is_some_and(|v| *v > 0.0)));
    vector.chunks(8).map(byte).collect()
}

/// The same, with 128 subtracted from each byte.
pub fn binary(vector: &[f32]) -> Vec<i8> {
    ubinary(vector).into_iter().map(|byte| byte.wrapping_sub(128).cast_signed()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn forms_are_what_they_say() {
        let vector = [0.5, -0.25, 0.0, 0.001, -0.5, 0.1, 0.2, -0.3, 0.4];
        assert_eq!(int8(&vector), [127, -64, 0, 0, -127, 25, 51, -76, 102]);
        assert_eq!(uint8(&vector)[..3], [255, 64, 128]);
        assert_eq!(ubinary(&vector), [0b1001_0110, 0b1000_0000]);
        assert_eq!(binary(&vector), [22, 0]);
        assert_eq!(int8(&[0.0, 0.0]), [0, 0]);
        assert_eq!(base64(&[1.0, -2.0]), "AACAPwAAAMA=");
    }

    proptest! {
        #[test]
        fn base64_loses_no_bit(vector in prop::collection::vec(any::<f32>(), 0..50)) {
            let bytes = STANDARD.decode(base64(&vector)).unwrap();
            let back = bytes.chunks(4).map(|four| u32::from_le_bytes(four.try_into().unwrap()));
            prop_assert!(back.eq(vector.iter().map(|value| value.to_bits())));
        }

        #[test]
        fn int8_keeps_the_direction(vector in prop::collection::vec(-1f32..1.0, 32..100)) {
            let narrow = int8(&vector);
            let dot = |a: &mut dyn Iterator<Item = (f64, f64)>| a.map(|(x, y)| x * y).sum::<f64>();
            let pairs = || vector.iter().zip(&narrow).map(|(x, y)| (f64::from(*x), f64::from(*y)));
            let lengths = dot(&mut pairs().map(|(x, _)| (x, x))) * dot(&mut pairs().map(|(_, y)| (y, y)));
            prop_assert!(dot(&mut pairs()) / lengths.sqrt() > 0.999);
        }
    }
}
