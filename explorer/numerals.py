"""How numbers are written: at most 3 significant digits, − not -, 10⁻⁹ not 1e-09."""

from __future__ import annotations

import math

SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def _split(value: float) -> tuple[str, int | None]:
    """The digits to show and, outside 10⁻³ … 10⁴, the power of ten that goes with them."""
    if value == 0:
        return "0", None
    digits, _, power = f"{value:.2e}".partition("e")
    power = int(power)
    if -3 <= power < 4:
        return f"{float(f'{value:.2e}'):.{max(0, 2 - power)}f}", None
    digits, _, power = f"{value:.1e}".partition("e")
    return digits, int(power)


def text(value: float) -> str:
    """A number as plain text: −0.0412, 3.1·10⁻⁹, ∞."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    digits, power = _split(value)
    digits = digits.replace("-", "−")
    return digits if power is None else f"{digits}·10{str(power).translate(SUPERSCRIPT)}"


def typeset(value: float, digits: int) -> str:
    """A number with so many significant digits: −0.041234567891, 3.1·10⁻⁹, ∞."""
    if not math.isfinite(value):
        return text(value)
    mantissa, _, power = f"{value:.{digits}g}".replace("-", "−", value < 0).partition("e")
    return f"{mantissa}·10{str(int(power)).translate(SUPERSCRIPT)}" if power else mantissa


def plain(value: float, digits: int) -> str:
    """A number rounded to so many significant digits and written out: 71,234,500, −0.0412; 1.24·10³⁰."""
    value = float(value)  # NumPy's would do, too, but for its truth
    if not math.isfinite(value) or (value and not -5 < math.log10(abs(value)) < 15):
        return typeset(value, digits)
    rounded = float(f"{value:.{digits}g}")
    places = digits - 1 - math.floor(math.log10(abs(rounded))) if rounded else 0
    written = f"{rounded:,.{max(0, places)}f}"
    return (written.rstrip("0").rstrip(".") if "." in written else written).replace("-", "−")


def as_fine(value: float, step: float) -> str:
    """A number in four digits, or in as many as it takes to see a change of `step` in it: 1.234, 1,700,000,000.5."""
    if not (math.isfinite(value) and value and step > 0):
        return plain(value, 4)
    size = math.floor(math.log10(abs(value))) - math.floor(math.log10(step))
    return plain(value, min(17, max(4, size + 2)))


def power_of_ten(value: float) -> str:
    """A magnitude as the nearest power of ten: 10⁻¹³; exactly 0 stays 0."""
    if value == 0 or not math.isfinite(value):
        return text(value)
    return ten_to(math.log10(abs(value)))


def ten_to(log10: float) -> str:
    """The same for a magnitude given by its logarithm, which may lie far beyond floats: 10⁻²⁰²²⁴; −∞ is 0."""
    if not math.isfinite(log10):
        return text(0.0 if log10 < 0 else log10)
    return f"10{str(round(log10)).translate(SUPERSCRIPT)}"


def magnitude(log10: float) -> str:
    """A magnitude given by its logarithm: in digits within 10⁻³ … 10⁴, beyond it as a power of ten."""
    return text(10.0**log10) if -3 <= log10 < 4 else ten_to(log10)


def scientific(log10: float) -> str:
    """A magnitude given by its logarithm, with three digits at any depth: 1.88·10⁻²⁰²²⁴."""
    if not math.isfinite(log10):
        return ten_to(log10)
    power = math.floor(log10)
    digits = f"{10 ** (log10 - power):.2f}"
    return f"{digits}·{ten_to(power)}" if digits != "10.00" else f"1.00·{ten_to(power + 1)}"
