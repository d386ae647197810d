from genotool import hookimpl, hookspecs


@hookimpl
def genotool_families():
    return [hookspecs.Spec("nearest", "neighbours by k-mers", "family", "genotool_nearest.family:Nearest")]
