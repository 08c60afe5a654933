"""How numbers are written: short, true to their digits, and never as a computer would."""

import math
import re
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from explorer.numerals import as_fine, magnitude, plain, power_of_ten, ten_to, text


@pytest.mark.parametrize(
    ("value", "step", "written"),
    [
        (1.2345, 0.03, "1.234"),
        (0.98765, 0.03, "0.9877"),
        (71_234_500.4, 500_000, "71,230,000"),
        (71_234_500.4, 100, "71,234,500"),
        (1.7e9 + 0.5, 0.5, "1,700,000,000.5"),
        (8.125e29, 1e28, "8.125·10²⁹"),
        (-12.3456, 0.1, "−12.35"),
        (0.0, 0.1, "0"),
        (99_999.99, 3.0, "100,000"),
        (1.02e-6, 1e-8, "1.02·10⁻⁶"),
        (np.float64(2e15), 3e13, "2·10¹⁵"),
        (math.nan, 1.0, "NaN"),
        (-math.inf, 1.0, "−∞"),
        (5.0, 0.0, "5"),
    ],
)
def test_a_price_shows_its_changes(value, step, written):
    assert as_fine(value, step) == written


@given(some.floats(1e-4, 1e14), some.integers(1, 15))
def test_plain_numbers_keep_their_digits(value, digits):
    assert float(plain(value, digits).replace(",", "")) == float(f"{value:.{digits}g}")


SUBNORMAL, LARGEST = 5e-324, 1.7976931348623157e308
UP, PLAIN = "⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789"
finite = some.floats(allow_nan=False, allow_infinity=False)


def parts(written: str) -> tuple[str, int]:
    """The digits and the power of ten of what `text` or `tex` wrote."""
    plain = written.translate(str.maketrans(UP + "−", PLAIN + "-"))
    found = re.fullmatch(r"(-?\d+(?:\.\d+)?)(?:(?:·|\\cdot)10\{?\^?\{?(-?\d+)\}?)?", plain)
    assert found, f"{written!r} is no number"
    return found[1], int(found[2] or 0)


def read(written: str) -> Fraction:
    """Back to a number, exact beyond the range of floats."""
    digits, power = parts(written)
    return Fraction(f"{digits}e{power}")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0, "0"),
        (-0.0, "0"),
        (1, "1.00"),
        (-1, "−1.00"),
        (0.5, "0.500"),
        (-0.0412, "−0.0412"),
        (0.00123, "0.00123"),
        (0.001, "0.00100"),
        (12.34, "12.3"),
        (123.4, "123"),
        (0.0009, "9.0·10⁻⁴"),
        (3.14e-9, "3.1·10⁻⁹"),
        (-3.14e-9, "−3.1·10⁻⁹"),
        (12345, "1.2·10⁴"),
        (-1e6, "−1.0·10⁶"),
        (9.99e-5, "1.0·10⁻⁴"),
        (SUBNORMAL, "4.9·10⁻³²⁴"),
        (2.5e-310, "2.5·10⁻³¹⁰"),
        (1e-300, "1.0·10⁻³⁰⁰"),
        (LARGEST, "1.8·10³⁰⁸"),
        (math.inf, "∞"),
        (-math.inf, "−∞"),
        (math.nan, "NaN"),
    ],
)
def test_text(value, written):
    assert text(value) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0, "0"),
        (1, "10⁰"),
        (0.9, "10⁰"),
        (1e-13, "10⁻¹³"),
        (4e-13, "10⁻¹²"),
        (2e-13, "10⁻¹³"),
        (1234, "10³"),
        (-1e-5, "10⁻⁵"),
        (SUBNORMAL, "10⁻³²³"),
        (LARGEST, "10³⁰⁸"),
        (math.inf, "∞"),
        (math.nan, "NaN"),
    ],
)
def test_power_of_ten(value, written):
    assert power_of_ten(value) == written


@given(finite)
@example(9.999)
@example(99.99)
@example(0.9996)
@example(999.9)
@example(1234.0)
@example(9999.6)
@example(-9999.6)
@example(0.00099996)
@example(SUBNORMAL)
@example(LARGEST)
def test_never_more_than_three_digits(value):
    digits, _ = parts(text(value))
    if "." not in digits:
        digits = digits.rstrip("0")  # 1230 has three
    assert len(digits.replace(".", "").lstrip("-0")) <= 3


@given(finite)
@example(0.00099996)
@example(9999.6)
@example(SUBNORMAL)
@example(LARGEST)
def test_what_is_written_is_true(value):
    """Three digits between 10⁻³ and 10⁴, two beyond: half a unit of the last one is 0.5 % or 5 %."""
    bound = Fraction("0.00501" if 1e-3 <= abs(value) < 1e4 else "0.0501")
    assert abs(read(text(value)) - Fraction(value)) <= bound * abs(Fraction(value))


@given(some.floats())
def test_signs_and_exponents_are_typeset(value):
    assert not re.search(r"[-e+]|inf|nan", text(value))
    assert not re.search(r"[-e+]|inf|nan", power_of_ten(value))


@given(finite.filter(lambda value: value != 0))
def test_a_power_of_ten_is_the_nearest(value):
    power = int(power_of_ten(value).removeprefix("10").translate(str.maketrans(UP, PLAIN)))
    assert abs(power - math.log10(abs(value))) <= 0.5 + 1e-9


@given(finite)
def test_the_sign_is_kept(value):
    assert text(value).startswith("−") == (value < 0)
    assert text(-value).lstrip("−") == text(value).lstrip("−")


def test_numbers_of_numpy_are_numbers():
    assert text(np.float32(0.5)) == text(np.float64(0.5)) == "0.500"
    assert text(np.float32(1e-40)).endswith("10⁻⁴⁰")


@pytest.mark.parametrize(
    ("log10", "wanted"),
    [
        (-20224.3, "10⁻²⁰²²⁴"),
        (0, "10⁰"),
        (-0.4, "10⁰"),
        (2.6, "10³"),
        (400, "10⁴⁰⁰"),
        (-math.inf, "0"),
        (math.inf, "∞"),
    ],
)
def test_a_power_of_ten_by_its_logarithm(log10, wanted):
    assert ten_to(log10) == wanted


@pytest.mark.parametrize(
    ("log10", "wanted"),
    [(0, "1.00"), (-1, "0.100"), (math.log10(0.0412), "0.0412"), (-3.2, "10⁻³"), (4, "10⁴"), (-330, "10⁻³³⁰")],
)
def test_a_magnitude_is_in_digits_where_they_say_something(log10, wanted):
    assert magnitude(log10) == wanted
