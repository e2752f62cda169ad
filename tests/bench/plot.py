"""Plot: a curve as a picture, both axes logarithmic, so that a bend is seen."""
import matplotlib

matplotlib.use("Agg")  # no display is needed
from matplotlib import pyplot  # noqa: E402


def save(curve, folder):
    """Write the picture into `folder`; return where."""
    figure, axes = pyplot.subplots(figsize=(7, 4.5), layout="constrained")
    for label, points in curve.series.items():
        axes.plot(*zip(*points), marker="o", label=label)
    axes.set(title=curve.title, xlabel=curve.x_label, ylabel=curve.y_label, xscale="log",
             yscale="log")
    axes.grid(True, which="both", alpha=0.3)
    axes.legend()
    path = folder / f"{curve.name}.png"
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
    return path
