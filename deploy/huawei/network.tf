# A function with VPC access loses the public network. It then reaches ModelArts and Cloud Eye only through a NAT gateway with an EIP.
# Whether VPC endpoints exist for them is not documented.
locals {
  in_vpc      = var.network != "none"
  makes_vpc   = var.network == "create"
  makes_nat   = local.in_vpc && (local.makes_vpc || var.nat)
  vpc_id      = local.makes_vpc ? one(huaweicloud_vpc.ledger[*].id) : var.vpc_id
  subnet_id   = local.makes_vpc ? one(huaweicloud_vpc_subnet.ledger[*].id) : var.subnet_id
  subnet_cidr = cidrsubnet(var.vpc_cidr, 8, 0)
}

resource "huaweicloud_vpc" "ledger" {
  count = local.makes_vpc ? 1 : 0
  name  = var.name
  cidr  = var.vpc_cidr
}

resource "huaweicloud_vpc_subnet" "ledger" {
  count      = local.makes_vpc ? 1 : 0
  name       = var.name
  vpc_id     = huaweicloud_vpc.ledger[0].id
  cidr       = local.subnet_cidr
  gateway_ip = cidrhost(local.subnet_cidr, 1)
}

resource "huaweicloud_vpc_eip" "nat" {
  count = local.makes_nat ? 1 : 0
  name  = "${var.name}-nat"

  publicip {
    type = var.eip_type
  }

  bandwidth {
    share_type  = "PER"
    name        = "${var.name}-nat"
    size        = 5
    charge_mode = "traffic"
  }
}

resource "huaweicloud_nat_gateway" "functions" {
  count     = local.makes_nat ? 1 : 0
  name      = var.name
  spec      = "1" # small: 10 000 connections
  vpc_id    = local.vpc_id
  subnet_id = local.subnet_id
}

resource "huaweicloud_nat_snat_rule" "functions" {
  count          = local.makes_nat ? 1 : 0
  nat_gateway_id = huaweicloud_nat_gateway.functions[0].id
  floating_ip_id = huaweicloud_vpc_eip.nat[0].id
  subnet_id      = local.subnet_id
}
