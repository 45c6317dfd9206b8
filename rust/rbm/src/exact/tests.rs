use super::*;
use crate::units::Units;
use kadanoff_runtime::random::mix;

fn machine(n: usize, m: usize, scale: f64, units: (Units, Units)) -> Machine {
    let draw = |count: usize, seed: u64| -> Vec<f64> {
        (0..count as u64)
            .map(|i| scale * ((mix(seed << 32 | i) >> 11) as f64 * 2f64.powi(-52) - 1.0))
            .collect()
    };
    Machine::new(draw(n, 1), draw(m, 2), draw(n * m, 3), units).unwrap()
}

/// All -E of pairs of states.
fn exponents(machine: &Machine) -> Vec<f64> {
    let (n, m) = (machine.visible(), machine.hidden());
    let mut out = Vec::new();
    for v in 0..1u64 << n {
        let mut fields = vec![0.0; m];
        machine.fields(&[v], &mut fields);
        for h in 0..1u64 << m {
            let other: f64 = (0..m)
                .map(|j| machine.units.1.value(h >> j & 1 == 1) * fields[j])
                .sum();
            out.push(machine.bias_energy(&[v]) + other);
        }
    }
    out
}

#[test]
fn log_z_is_the_sum_over_all_states() {
    for v in [Units::Binary, Units::Spin] {
        for h in [Units::Binary, Units::Spin] {
            for (n, m, scale) in [(1, 1, 1.0), (3, 9, 0.7), (9, 3, 0.7), (9, 9, 60.0)] {
                let machine = machine(n, m, scale, (v, h));
                let exact = log_sum_exp(&exponents(&machine));
                let found = log_z(&machine, &Control::new()).unwrap();
                assert!(
                    (found - exact).abs() < 1e-13 * exact.abs().max(10.0),
                    "{n} {m} {scale}"
                );
            }
        }
    }
}

#[test]
fn a_table_shrinks_before_it_overflows() {
    for (scale, low) in [(0.01, 8), (1.0, 8), (30.0, 3), (1000.0, 0)] {
        let machine = machine(12, 12, scale, (Units::Binary, Units::Binary));
        let plan = Plan::new(&machine);
        assert!(plan.low <= low, "{scale}");
        let used = plan
            .factors
            .chunks(STATES)
            .flat_map(|row| &row[..1 << plan.low]);
        assert!(used.into_iter().all(|x| x.is_finite() && *x > 0.0));
    }
}

#[test]
fn a_stop_is_noticed() {
    let machine = machine(16, 16, 1.0, (Units::Spin, Units::Spin));
    let control = Control::new();
    control.cancel();
    assert!(matches!(
        log_z(&machine, &control),
        Err(Error::Cancelled(_))
    ));
    assert!(matches!(
        moments(&machine, &control),
        Err(Error::Cancelled(_))
    ));
}

#[test]
fn layers_that_are_too_large_are_refused() {
    let machine = machine(40, 40, 0.0, (Units::Spin, Units::Spin));
    assert!(matches!(
        log_z(&machine, &Control::new()),
        Err(Error::Argument(_))
    ));
    assert!(matches!(
        log_weights(&machine, &Control::new()),
        Err(Error::Argument(_))
    ));
}

#[test]
fn units_that_are_all_clamped_stay() {
    let machine = machine(3, 2, 1.0, (Units::Spin, Units::Binary));
    let free: (&[usize], &[usize]) = (&[], &[]);
    let drawn = sample(&machine, &[0b101], &[0b10], free, 4, 1, &Control::new()).unwrap();
    assert_eq!(drawn, (vec![0b101; 4], vec![0b10; 4]));
}
