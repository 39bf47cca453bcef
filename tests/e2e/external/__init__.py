"""One cluster for all tests here. pytest ends fixtures of the scope `package` with the package, which a folder is by this file."""
