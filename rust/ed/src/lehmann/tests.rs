use super::*;
use crate::{Anderson, diagonalise, diagonalise_at};
use kadanoff_runtime::Control;

/// Reference: `aim_ed.json`, point nb1_asym at beta = 1 (two independent codes).
#[test]
fn one_bath_site_away_from_half_filling() -> Result<(), crate::Error> {
    let model = Anderson {
        u: 4.0,
        eps: -1.3,
        e: vec![0.3],
        v: vec![0.7],
    };
    let spectrum = diagonalise(&model, &Control::new())?;
    let thermal = spectrum.thermal(1.0)?;
    assert!((spectrum.ground + 1.732_890_024_946_640_4).abs() < 1e-13);
    assert!((thermal.log_z - 3.446_073_573_988_215_3).abs() < 1e-13);
    assert!((thermal.n - 0.906_681_584_873_759_8).abs() < 1e-13);
    assert!((thermal.docc - 0.044_044_563_547_048_936).abs() < 1e-13);
    let poles = lehmann(&spectrum, 1.0, 1e-12, &Control::new()).unwrap();
    let moment = |k: i32| -> f64 {
        poles
            .energies
            .iter()
            .zip(&poles.weights)
            .map(|(e, w)| w * e.powi(k))
            .sum()
    };
    assert!((moment(0) - 1.0).abs() < 1e-12);
    assert!((moment(1) - 0.513_363_169_747_519_6).abs() < 1e-12);
    assert!((moment(2) - 4.718_708_437_646_527).abs() < 1e-11);
    // F(iw) decays as <n_dn> / iw.
    let f: f64 = poles.estimator.iter().sum();
    assert!((f - 0.5 * thermal.n).abs() < 1e-12);
    Ok(())
}

/// States projected on the levels of a sector give the poles of all states.
#[test]
fn occupied_states_are_enough() -> Result<(), crate::Error> {
    let control = Control::new();
    let sites = |n: usize| (0..n).map(move |k| -0.9 + 1.7 * k as f64 / n as f64);
    for (bath, beta) in [(0, 40.0), (3, 20.0), (4, 150.0), (5, 60.0)] {
        let model = Anderson {
            u: 2.0,
            eps: -0.7,
            e: sites(bath).collect(),
            v: vec![0.3; bath],
        };
        let all = diagonalise(&model, &control)?;
        let some = diagonalise_at(&model, beta, &control)?;
        assert!(bath < 4 || some.blocks.iter().any(|b| b.components.ncols() > 0));
        for beta in [beta, 3.0 * beta] {
            let z: Vec<_> = [0.1, 1.0, 7.0].map(|w| c64::new(0.0, w)).into();
            let expected = green(&all, beta, 1e-12, &z, &control)?;
            let found = green(&some, beta, 1e-12, &z, &control)?;
            for (x, y) in found.values.iter().zip(&expected.values) {
                for (x, y) in x.iter().zip(y) {
                    assert!((x - y).norm() < 1e-12, "{bath} {beta}: {x} {y}");
                }
            }
            let (x, y) = (some.thermal(beta)?, all.thermal(beta)?);
            assert!((x.n - y.n).abs() < 1e-12 && (x.docc - y.docc).abs() < 1e-12);
            assert!((x.log_z - y.log_z).abs() < 1e-12);
        }
        assert!(some.thermal(0.5 * beta).is_err());
        assert!(green(&some, 0.5 * beta, 1e-12, &[], &control).is_err());
    }
    Ok(())
}

/// The residues and what was left out add up to one, and pruning does what it says.
#[test]
fn what_is_left_out_is_known() -> Result<(), crate::Error> {
    let model = Anderson {
        u: 2.0,
        eps: -0.9,
        e: vec![-0.8, -0.1, 0.3, 0.9],
        v: vec![0.3, 0.2, 0.25, 0.35],
    };
    let spectrum = diagonalise(&model, &Control::new())?;
    for beta in [1.0, 10.0, 50.0] {
        let all = lehmann(&spectrum, beta, 0.0, &Control::new()).unwrap();
        let z = [c64::new(0.0, std::f64::consts::PI / beta)];
        let exact = green(&spectrum, beta, 0.0, &z, &Control::new())
            .unwrap()
            .values;
        for prune in [1e-12, 1e-6, 1e-3] {
            let poles = lehmann(&spectrum, beta, prune, &Control::new()).unwrap();
            let total = poles.weights.iter().sum::<f64>() + poles.dropped;
            assert!((total - 1.0).abs() < 1e-12, "{beta} {prune} {total}");
            assert!(poles.dropped <= prune && poles.energies.len() < all.energies.len());
            // No term of the sum exceeds its residue times beta / pi.
            let found = green(&spectrum, beta, prune, &z, &Control::new())
                .unwrap()
                .values;
            for (a, b) in exact.iter().zip(&found) {
                let error = (a[0] - b[0]).norm();
                assert!(
                    error <= prune * beta / std::f64::consts::PI + 1e-13,
                    "{error}"
                );
            }
        }
    }
    Ok(())
}
