# message: withheld
import torch


def choose_precision(capability):
    if capability is None:
        return "float32", False
    return ("bfloat16", False) if capability[0] >= 8 else ("float16", True)


def scaler_step(gradients, scale, good_steps, growth_interval):
    parameters = [torch.nn.Parameter(torch.zeros(g.shape)) for g in gradients]
    for parameter, gradient in zip(parameters, gradients):
        parameter.grad = torch.tensor(gradient)
    scaler = torch.amp.GradScaler("cpu", init_scale=scale, growth_interval=growth_interval)
    scaler.scale(torch.zeros(1))
    scaler.step(torch.optim.SGD(parameters, lr=1.0, maximize=True))
    scaler.update()
    found = None if scaler.get_scale() < scale else [p.detach().numpy() for p in parameters]
    return found, scaler.get_scale(), good_steps + 1
