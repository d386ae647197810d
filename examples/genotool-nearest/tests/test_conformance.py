from genotool.testing import check_family, check_honest

from genotool_nearest.family import Nearest


def test_conformance(tmp_path):
    check_family(Nearest(), tmp_path, plugin="genotool_nearest")


def test_honesty(tmp_path):
    check_honest(Nearest(), tmp_path)
