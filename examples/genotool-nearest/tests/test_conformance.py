from genotool.testing import check_family

from genotool_nearest.family import Nearest


def test_conformance(tmp_path):
    check_family(Nearest(), tmp_path, plugin="genotool_nearest")
